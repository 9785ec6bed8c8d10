// What happened around the instant, and the trades up to it. A click on a row goes there.
import { useEffect, useRef } from 'preact/hooks';
import type { InputRow, Tone } from '../../src/timetravel/moment.ts';
import { count } from '../shared/format.ts';
import { Panel } from './panel.tsx';
import { pause } from './player.ts';
import { priceOf } from './prices.ts';
import { day, go, moment } from './state.ts';
import { timeOfDay } from './times.ts';
import { Words } from './words.tsx';

const TONE_SIGN: Readonly<Record<Tone, string>> = { new: '+', trade: '●', cancel: '×', replace: '↕', reject: '!', note: '·' };

function goTo(position: number): void {
  pause();
  go({ position });
}

export function EventsPanel() {
  const now = moment.value;
  const list = useRef<HTMLDivElement>(null);
  const position = now?.position ?? 0;
  useEffect(() => {
    const row = list.current?.querySelector<HTMLElement>('[aria-current]');
    // Of the list alone: the page stays where the reader has it.
    if (list.current !== null && row !== null && row !== undefined) list.current.scrollTop = row.offsetTop - (list.current.clientHeight - row.clientHeight) / 2;
  }, [position]);
  return (
    <Panel area="events" title="Events" note="click to go there">
      <div class="events" ref={list} role="list">
        {/* By place, not by event: a jump then changes texts and makes no elements. */}
        {now?.rows.map((row, index) => <EventRow row={row} position={position} key={index} />)}
      </div>
    </Panel>
  );
}

function EventRow({ row, position }: { readonly row: InputRow; readonly position: number }) {
  const when = row.position === position ? 'now' : row.position < position ? 'past' : 'future';
  return (
    <div class={`event ${row.tone} ${when}`} role="listitem" aria-current={when === 'now' ? 'true' : undefined} data-event={row.position} onClick={() => goTo(row.position)}>
      <span class="sign" aria-label={row.tone}>{TONE_SIGN[row.tone]}</span>
      <span class="time">{timeOfDay(row.timeNs, day.value?.zeroMs ?? null, 6)}</span>
      <span class="said">
        <span class="command">{row.tone === 'note' ? row.text : <Words text={row.text} />}</span>
        {row.outcome.map((text, index) => <span class="outcome" key={index}><Words text={text} /></span>)}
        {row.verified !== null && <span class={row.verified ? 'mark good' : 'mark bad'}>{row.verified ? '✓ verified' : '✗ differs'}</span>}
      </span>
    </div>
  );
}

export function TradesPanel() {
  const now = moment.value;
  return (
    <Panel area="trades" title="Trades" note="up to here, newest first">
      <div class="trades" role="list">
        {now?.trades.length === 0 && <p class="panel-state">None so far.</p>}
        {now?.trades.map((trade, index) => (
          <div class={trade.position === now.position ? 'deal now' : 'deal'} role="listitem" key={index} onClick={() => goTo(trade.position)}>
            <span class="time">{timeOfDay(trade.timeNs, day.value?.zeroMs ?? null, 3)}</span>
            <span class={trade.side > 0 ? 'price bid' : 'price ask'}>{trade.side > 0 ? '▲' : '▼'} {priceOf(trade.price)}</span>
            <span>{count(trade.qty)}</span>
            <span class="parties"><Words text={trade.taker} /> ← <Words text={trade.maker} /></span>
          </div>
        ))}
      </div>
    </Panel>
  );
}
