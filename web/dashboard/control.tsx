// The control menu: what may be done to the exchange, to the instrument that is looked at, and to each trader. Every entry
// asks first.
import type { ComponentChildren } from 'preact';
import { forgetToken, intent, token, type Intent } from './commands.ts';
import { forInstrument, forTrader, forTraders, killAll, killClient, resetAll } from './intents.ts';
import { askLimits } from './limits_form.tsx';
import { Menu } from './menu.tsx';
import { state } from './state.ts';

export function askKill(): void {
  if (state.hello.value?.commands === true) intent.value = killAll(state.status.value?.system.exchange ?? null, state.traders.value);
}

/** Pauses all that run; when none does, all that are paused go on. */
export function askPause(): void {
  if (state.hello.value?.commands !== true) return;
  const traders = state.traders.value;
  const running = traders.filter((trader) => trader.state === 'running');
  const paused = traders.filter((trader) => trader.state === 'paused');
  if (running.length > 0) intent.value = forTraders('pause', running);
  else if (paused.length > 0) intent.value = forTraders('resume', paused);
}

function Entry({ ask, danger, children }: { readonly ask: () => Intent; readonly danger?: boolean; readonly children: ComponentChildren }) {
  return <button type="button" data-closes class={danger === true ? 'quiet-danger' : ''} onClick={() => (intent.value = ask())}>{children}</button>;
}

function InstrumentEntries() {
  const instrument = state.instrument.value;
  if (instrument === null) return null;
  return (
    <div>
      <h3>{instrument.symbol}</h3>
      <div class="entries">
        <Entry ask={() => forInstrument('open', instrument)}>Open</Entry>
        <Entry ask={() => forInstrument('halt', instrument)}>Halt</Entry>
        <Entry ask={() => forInstrument('close', instrument)} danger>Close</Entry>
      </div>
    </div>
  );
}

function TraderEntries() {
  const traders = state.traders.value;
  return traders.map((trader) => (
    <div key={trader.client}>
      <h3>{trader.strategy} <span class="muted">client {trader.client}, {trader.state}</span></h3>
      <div class="entries">
        <Entry ask={() => forTrader('resume', trader)}>Start</Entry>
        <Entry ask={() => forTrader('pause', trader)}>Pause</Entry>
        <Entry ask={() => forTrader('stop', trader)}>Stop</Entry>
        {trader.limits !== null && <button type="button" data-closes onClick={() => askLimits(trader)}>Limits</button>}
        <Entry ask={() => killClient(trader)} danger>Kill</Entry>
      </div>
    </div>
  ));
}

export function Control() {
  if (state.hello.value?.commands !== true) return <span class="muted read-only" title="The server takes no commands">read only</span>;
  const running = state.traders.value.filter((trader) => trader.state === 'running');
  const paused = state.traders.value.filter((trader) => trader.state === 'paused');
  return (
    <>
      <Menu name="control" label="Control: start, pause, stop, limits, kill" face={<>Control<span aria-hidden="true">▾</span></>}>
        <div>
          <h3>All</h3>
          <div class="entries">
            {paused.length > 0 && <Entry ask={() => forTraders('resume', paused)}>Start all</Entry>}
            {running.length > 0 && <Entry ask={() => forTraders('pause', running)}>Pause all</Entry>}
            <Entry ask={resetAll}>Reset kill</Entry>
          </div>
        </div>
        <TraderEntries />
        <InstrumentEntries />
        {token.value !== '' && (
          <p class="token-line muted">This tab has the token. <button type="button" data-closes onClick={forgetToken}>Forget it</button></p>
        )}
      </Menu>
      <button type="button" class="danger kill" onClick={askKill} title="Cancel everything and lock everybody out (k)">Kill</button>
    </>
  );
}
