// The exchange inside: flow, queues, journal, and why requests were rejected and connections closed.
import type { ExchangeView, JournalView, QueueView } from '../../src/observe/system_view.ts';
import { bytes, compact, count, duration, rate } from '../shared/format.ts';
import { Panel } from './panel.tsx';
import { state } from './state.ts';

export function Fact({ name, value, tone }: { readonly name: string; readonly value: string; readonly tone?: string | undefined }) {
  return <div class={`fact ${tone ?? ''}`}><dt>{name}</dt><dd>{value}</dd></div>;
}

interface MeterProps {
  readonly name: string;
  readonly share: number;
  readonly text: string;
  /** Full is how it should be: a stage that polls has its core to itself. */
  readonly calm?: boolean;
}

export function Meter({ name, share, text, calm }: MeterProps) {
  const percentFull = Math.min(100, share * 100);
  const tone = calm === true ? '' : share >= 0.9 ? 'bad' : share >= 0.7 ? 'warn' : '';
  return (
    <div class={`meter ${tone}`}>
      <span class="meter-name">{name}</span>
      <div class="meter-track" role="meter" aria-label={name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(percentFull)}>
        <i style={{ width: `${percentFull.toFixed(1)}%` }} />
      </div>
      <span class="meter-text">{text}</span>
    </div>
  );
}

function Flow({ exchange }: { readonly exchange: ExchangeView }) {
  return (
    <dl class="facts">
      <Fact name="Sessions" value={count(exchange.sessions)} />
      <Fact name="Accepted" value={rate(exchange.accepted.perSecond)} />
      <Fact name="Rejected" value={rate(exchange.rejected.perSecond)} />
      <Fact name="In" value={`${bytes(exchange.bytesIn.perSecond)}/s`} />
      <Fact name="Out" value={`${bytes(exchange.bytesOut.perSecond)}/s`} />
      <Fact name="Feed lost" value={count(exchange.feedLost.total)} tone={exchange.feedLost.total > 0 ? 'warn' : undefined} />
      <Fact name="Repairs asked" value={count(exchange.retransmitRequests.total)} />
      <Fact name="Locked out" value={count(exchange.lockedOut)} tone={exchange.lockedOut > 0 ? 'bad' : undefined} />
      <Fact name="Halted" value={count(exchange.halted)} tone={exchange.halted > 0 ? 'warn' : undefined} />
    </dl>
  );
}

function Reasons({ title, by }: { readonly title: string; readonly by: Readonly<Record<string, number>> }) {
  const rows = Object.entries(by).toSorted((a, b) => b[1] - a[1]);
  if (rows.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="reasons">{rows.map(([reason, number]) => <li key={reason}><span>{reason.replaceAll('_', ' ')}</span><b>{count(number)}</b></li>)}</ul>
    </>
  );
}

function Queues({ queues }: { readonly queues: readonly QueueView[] }) {
  return queues.map(({ name, used, capacity }) => (
    <Meter key={name} name={name} share={used / Math.max(1, capacity)} text={`${compact(used)} of ${compact(capacity)}`} />
  ));
}

function Journal({ journal }: { readonly journal: JournalView }) {
  const unsafe = journal.mode.includes('unsafe');
  return (
    <dl class="facts">
      <Fact name="Mode" value={journal.mode} tone={unsafe ? 'warn' : undefined} />
      <Fact name="Lag" value={`${count(journal.lagRecords)} records`} />
      <Fact name="Backlog" value={bytes(journal.backlogBytes)} />
      <Fact name="Syncs" value={rate(journal.syncs.perSecond)} />
      <Fact name="Sync, mean" value={duration(journal.meanSyncNs)} />
      <Fact name="Sync, longest" value={duration(journal.longestSyncNs)} />
    </dl>
  );
}

export function ExchangePanel() {
  const exchange = state.status.value?.system.exchange ?? null;
  return (
    <Panel area="exchange-panel" about="Who is connected, what comes and goes, how full its queues are, and what was rejected and why" title="Exchange" note={exchange?.endpoint} empty={exchange === null ? 'No exchange runs. `outcry exchange` starts one.' : undefined}>
      {exchange !== null && (
        <>
          <Flow exchange={exchange} />
          <h3>Queues</h3>
          <Queues queues={exchange.queues} />
          <h3>Journal</h3>
          {exchange.journal === null ? <p class="muted">None: what happens is not kept.</p> : <Journal journal={exchange.journal} />}
          <Reasons title="Rejected because" by={exchange.rejectedBy} />
          <Reasons title="Closed because" by={exchange.closedBy} />
        </>
      )}
    </Panel>
  );
}
