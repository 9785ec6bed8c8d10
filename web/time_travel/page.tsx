// The page of /time-travel: a bar, the day as a strip, controls, and what there is to see at the instant.
import { count } from '../shared/format.ts';
import icon from '../shared/icon.svg';
import { KeySheet } from '../shared/key_sheet.tsx';
import { switchTheme, theme } from '../shared/theme.ts';
import { helpShown, KEYS } from './actions.ts';
import { BookPanel } from './book.tsx';
import { EventsPanel, TradesPanel } from './lists.tsx';
import { Opening } from './open.tsx';
import { OrderPanel, QueuePanel } from './order.tsx';
import { book, chooseBook, close, day, failure, lookMs, moment, phase } from './state.ts';
import { Strip } from './strip.tsx';
import { Figures, Now, Transport } from './transport.tsx';

export function Page() {
  return (
    <div class="page" data-phase={phase.value}>
      <Bar />
      {phase.value === 'open' ? <Open /> : <Opening />}
      {helpShown.value && <KeySheet rows={KEYS} onClose={() => (helpShown.value = false)} />}
    </div>
  );
}

function Bar() {
  const whole = day.value;
  const other = theme.value === 'dark' ? 'light' : 'dark';
  return (
    <header class="topbar">
      <a class="brand" href="/" aria-label="Outcry"><img src={icon} alt="" width="24" height="24" /><h1>Time travel</h1></a>
      {whole !== null && (
        <>
          <span class="day-name" title={whole.name}>{whole.name}</span>
          {whole.instruments.length > 1 && (
            <select aria-label="Instrument" value={String(book.value)} onChange={({ currentTarget }) => chooseBook(Number(currentTarget.value))}>
              {whole.instruments.map(({ symbol }, index) => <option key={index} value={String(index)}>{symbol} · {count(whole.trades[index])} trades</option>)}
            </select>
          )}
          <Verified />
        </>
      )}
      <div class="tools">
        {whole !== null && <span class="muted small" title="of the last step, in the worker">{lookMs.value.toFixed(1)} ms</span>}
        {whole !== null && <button type="button" onClick={close}>Open another</button>}
        <button type="button" class="icon" onClick={switchTheme} aria-label={`Switch to ${other}`} title={`Switch to ${other} (t)`}>{theme.value === 'dark' ? '☀' : '☾'}</button>
        <button type="button" class="icon" onClick={() => (helpShown.value = true)} aria-label="Keys" title="Keys (?)">?</button>
      </div>
    </header>
  );
}

function Verified() {
  const whole = day.value!;
  if (whole.hashes === 0) return null;
  const all = whole.verified === whole.hashes;
  const here = moment.value?.verifiedTo ?? 0;
  const title = `The journal has ${count(whole.hashes)} hashes of all events so far; this run met ${count(whole.verified)} of them, before here up to event ${count(here)}.`;
  return (
    <span class={`pill ${all ? 'good' : 'bad'}`} data-verified={whole.verified} title={title}>
      <i class="dot" aria-hidden="true" />{all ? `✓ ${count(whole.verified)} hashes met` : `${count(whole.verified)} of ${count(whole.hashes)} hashes met`}
    </span>
  );
}

function Open() {
  const whole = day.value;
  return (
    <main>
      {[...(whole?.faults ?? []), ...(failure.value === '' ? [] : [failure.value])].map((text) => <p class="fault" role="alert" key={text}>{text}</p>)}
      <Strip />
      <Transport />
      <Now />
      <Figures />
      <div class="grid">
        <BookPanel />
        <EventsPanel />
        <div class="drill"><OrderPanel /><QueuePanel /><Hint /><TradesPanel /></div>
      </div>
    </main>
  );
}

function Hint() {
  const now = moment.value;
  if (now === null || now.queue !== null || now.order !== null) return null;
  return <p class="hint-card">Click a price for its queue, an order's name for its life and its place.</p>;
}
