// The controls under the strip: where the instant is, steps, speeds, search; and the instant itself in words and figures.
import { useSignal } from '@preact/signals';
import { compact, count } from '../shared/format.ts';
import { copyLink, LEAP, linkCopied, search, stepBy, toEnd, toStart, toTrade } from './actions.ts';
import { isPlaying, speed, SPEEDS, togglePlay } from './player.ts';
import { meanPriceOf, priceOf } from './prices.ts';
import { chooseOrder, day, moment, searched } from './state.ts';
import { dayText, timeOfDay } from './times.ts';
import { Words } from './words.tsx';

/** Drawn, for few fonts have all of these signs. */
const SHAPES = {
  start: 'M2 2h2v10H2zM12 2v10L5 7z',
  back: 'M10 2v10L3 7z',
  on: 'M4 2v10l7-5z',
  end: 'M10 2h2v10h-2zM2 2v10l7-5z',
  play: 'M3 1v12l9-6z',
  pause: 'M3 2h3v10H3zM8 2h3v10H8z',
  tradeBefore: 'M6 3v8L1 7zM10.5 4a3 3 0 1 1-.01 0z',
  nextTrade: 'M8 3v8l5-4zM3.5 4a3 3 0 1 1-.01 0z',
} as const;

function Shape({ name }: { readonly name: keyof typeof SHAPES }) {
  return <svg viewBox="0 0 14 14" aria-hidden="true"><path d={SHAPES[name]} /></svg>;
}

export function Transport() {
  return (
    <div class="transport">
      <div class="buttons" role="group" aria-label="Steps">
        <button type="button" onClick={toStart} title="Beginning (Home)" aria-label="Beginning"><Shape name="start" /></button>
        <button type="button" onClick={() => toTrade(-1)} title="Trade before (p)" aria-label="Trade before"><Shape name="tradeBefore" /></button>
        <button type="button" onClick={() => stepBy(-LEAP)} title={`${LEAP} back (Shift ←)`} aria-label={`${LEAP} events back`}>−{LEAP}</button>
        <button type="button" onClick={() => stepBy(-1)} title="One event back (←)" aria-label="One event back"><Shape name="back" /></button>
        <button type="button" class="primary" onClick={togglePlay} title="Play (Space)" aria-label={isPlaying.value ? 'Pause' : 'Play'}><Shape name={isPlaying.value ? 'pause' : 'play'} /></button>
        <button type="button" onClick={() => stepBy(1)} title="One event on (→)" aria-label="One event on"><Shape name="on" /></button>
        <button type="button" onClick={() => stepBy(LEAP)} title={`${LEAP} on (Shift →)`} aria-label={`${LEAP} events on`}>+{LEAP}</button>
        <button type="button" onClick={() => toTrade(1)} title="Next trade (n)" aria-label="Next trade"><Shape name="nextTrade" /></button>
        <button type="button" onClick={toEnd} title="End (End)" aria-label="End"><Shape name="end" /></button>
      </div>
      <select aria-label="Speed" value={speed.value.name} onChange={({ currentTarget }) => (speed.value = SPEEDS.find(({ name }) => name === currentTarget.value) ?? SPEEDS[0])}>
        {SPEEDS.map(({ name, label }) => <option key={name} value={name}>{label}</option>)}
      </select>
      <Where />
      <Search />
      <button type="button" onClick={() => void copyLink()} title="Copy the link to this instant (l)">{linkCopied.value ? 'Copied' : 'Link'}</button>
    </div>
  );
}

function Where() {
  const now = moment.value;
  const whole = day.value;
  if (now === null || whole === null) return <div class="where" />;
  return (
    <div class="where" data-position={now.position}>
      <strong>{timeOfDay(now.timeNs, whole.zeroMs)}</strong>
      <span>{dayText(whole.zeroMs, now.timeNs)}</span>
      <span>event <b>{count(now.position)}</b> of {count(whole.inputs)}</span>
      <span>{whole.kind === 'journal' ? 'sequence' : 'line'} <b>{count(now.sequence)}</b></span>
    </div>
  );
}

function Search() {
  const wrong = useSignal(false);
  const result = searched.value;
  return (
    <form
      class="search" role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const input = event.currentTarget.querySelector('input')!;
        wrong.value = !search(input.value);
        if (!wrong.value) input.blur();
      }}
    >
      <input id="search" type="search" placeholder="order, #sequence or time" aria-label="Search an order, a sequence or a time" aria-invalid={wrong.value} autocomplete="off" spellcheck={false} />
      {wrong.value && <p class="hint" role="alert">7.123 or 123: an order; #55: a sequence; 09:31:05.5: a time</p>}
      {result !== null && (
        <div class="hint" role="alert">
          {result.orders.length === 0 ? <>No order {result.text} in this day.</> : <>Several clients used {result.text}:</>}
          {result.orders.map((name) => <button type="button" key={name.client} onClick={() => chooseOrder(name)}>{name.client}.{name.id}</button>)}
          <button type="button" onClick={() => (searched.value = null)} aria-label="Close">×</button>
        </div>
      )}
    </form>
  );
}

/** The input that led here, and every event of it. */
export function Now() {
  const now = moment.value;
  if (now === null) return null;
  const row = now.rows.find(({ position }) => position === now.position);
  return (
    <section class={`now-line ${row?.tone ?? 'note'}`} aria-live="off" aria-label="The event at this instant">
      <p class="command">{row === undefined ? 'Before the first event' : row.tone === 'note' ? row.text : <Words text={row.text} />}</p>
      {now.said.slice(0, 3).map((text, index) => <p class="said" key={index}><Words text={text} /></p>)}
      {now.said.length > 3 && <p class="said">and {now.said.length - 3} more</p>}
    </section>
  );
}

export function Figures() {
  const now = moment.value;
  if (now === null) return null;
  const { figures } = now;
  const cells: readonly (readonly [name: string, value: string, title: string])[] = [
    ['Last', priceOf(figures.last), 'last trade'],
    ['High', priceOf(figures.high), 'of the trades so far'],
    ['Low', priceOf(figures.low), 'of the trades so far'],
    ['VWAP', meanPriceOf(figures.vwap), 'mean price of what has traded'],
    ['Volume', compact(figures.volume), `${count(figures.volume)} traded`],
    ['Trades', count(figures.trades), 'so far'],
    ['Entered', count(figures.entered), 'orders accepted so far'],
    ['Canceled', count(figures.canceled), 'orders, or their rest'],
    ['Rejected', count(figures.rejected), 'requests'],
    ['Live', count(now.ordersLive), 'orders at this instant, all books'],
  ];
  return (
    <dl class="figures">
      {cells.map(([name, value, title]) => <div key={name} title={title}><dt>{name}</dt><dd>{value}</dd></div>)}
      <div class="hash" title="Hash of the engine's whole state at this instant: the same here and in the exchange">
        <dt>State</dt><dd data-state-hash={now.stateHash}>{now.stateHash}</dd>
      </div>
    </dl>
  );
}
