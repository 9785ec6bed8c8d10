// Where the time goes: each stage begins where the one before ended, as long as its mean; p50 and p99 beside it.
import type { StageView } from '../../src/observe/system_view.ts';
import { duration } from '../shared/format.ts';
import { Panel } from './panel.tsx';
import { measured, state } from './state.ts';

/** For who does not know them (src/observe/profile/stages.ts). */
const STAGE_TEXT: Readonly<Record<string, string>> = {
  gateway_rx: 'Bytes of the client are read and checked', sequenced: 'It gets its place in the one order of everything',
  journaled: 'It is written down, and safe as the mode of the journal asks', matched: 'It is matched against the book',
  response_tx: 'The answer is written to its client', feed_tx: 'What changed is sent on the public feed',
};

function StageRow({ stage, from, total }: { readonly stage: StageView; readonly from: number; readonly total: number }) {
  const share = (ns: number): string => `${((ns / total) * 100).toFixed(2)}%`;
  return (
    <tr>
      <th scope="row" title={STAGE_TEXT[stage.stage]}>{stage.stage}</th>
      <td class="track">
        <div><i style={{ left: share(from), width: share(stage.own.meanNs) }} /></div>
      </td>
      <td>{duration(measured(stage.own)?.p50Ns ?? null)}</td>
      <td>{duration(measured(stage.own)?.p99Ns ?? null)}</td>
      <td>{duration(measured(stage.since)?.p99Ns ?? null)}</td>
    </tr>
  );
}

export function StagesPanel() {
  const stages = state.status.value?.system.exchange?.stages ?? [];
  const total = Math.max(1, stages.reduce((sum, { own }) => sum + own.meanNs, 0));
  let from = 0;
  return (
    <Panel area="stages-panel" about="What an order passes through inside the exchange, one stage behind the other, and how long each takes; “so far” counts from the first" title="Latency by stage" note="mean, in the order of the pipeline" empty={stages.length === 0 ? 'The exchange does not measure its stages.' : undefined}>
      <table class="table stages">
        <thead>
          <tr><th scope="col">Stage</th><th scope="col" class="track"><span class="sr-only">Mean</span></th><th scope="col">p50</th><th scope="col">p99</th><th scope="col">p99 so far</th></tr>
        </thead>
        <tbody>
          {stages.map((stage) => {
            const begin = from;
            from += stage.own.meanNs;
            return <StageRow key={stage.stage} stage={stage} from={begin} total={total} />;
          })}
        </tbody>
      </table>
    </Panel>
  );
}
