// Each trader: state, profit, orders, and for each instrument its position against the limit, its quotes, what it made.
import type { TraderBookView, TraderView } from '../../src/observe/system_view.ts';
import { compact, count, duration, money, percent, price, signed, UNKNOWN } from '../shared/format.ts';
import { intent } from './commands.ts';
import { forTrader, killClient } from './intents.ts';
import { askLimits } from './limits_form.tsx';
import { Panel } from './panel.tsx';
import { measured, state, unitsOf } from './state.ts';

const toneOf = (value: number | null): string => (value === null || Math.abs(value) < 0.005 ? '' : value > 0 ? 'good' : 'bad');

function PositionBar({ position, positionMax }: Pick<TraderBookView, 'position' | 'positionMax'>) {
  const share = positionMax === 0 ? 0 : Math.min(1, Math.abs(position) / positionMax);
  const half = `${(share * 50).toFixed(1)}%`;
  return (
    <div class="position" title={`${signed(position)} of ${count(positionMax)} either way`}>
      <span>{signed(position)}</span>
      <div class={`limit ${share >= 0.9 ? 'near' : ''}`} aria-hidden="true">
        <i style={position < 0 ? { right: '50%', width: half } : { left: '50%', width: half }} />
      </div>
      <small>of {compact(positionMax)}</small>
    </div>
  );
}

function BookRow({ book }: { readonly book: TraderBookView }) {
  const decimals = state.instruments.value.find(({ ticker }) => ticker === book.ticker)?.priceDecimals ?? 0;
  const quote = (side: TraderBookView['bid']): string => (side === null ? UNKNOWN : `${price(unitsOf(side.price, decimals), decimals)} × ${count(side.qty)}`);
  return (
    <tr class="book">
      <th scope="row">{book.symbol}</th>
      <td class="wide"><PositionBar position={book.position} positionMax={book.positionMax} /></td>
      <td class="quote bid-text">{quote(book.bid)}</td>
      <td class="quote ask-text">{quote(book.ask)}</td>
      <td class={toneOf(book.realised)}>{money(book.realised, true)}</td>
      <td class={toneOf(book.unrealised)}>{money(book.unrealised, true)}</td>
      <td />
      <td class="less" />
      <td class="less" />
    </tr>
  );
}

function Actions({ trader }: { readonly trader: TraderView }) {
  if (state.hello.value?.commands !== true) return null;
  const name = `${trader.strategy}, client ${trader.client}`;
  const paused = trader.state === 'paused';
  return (
    <span class="actions">
      <button type="button" aria-label={`${paused ? 'Resume' : 'Pause'} ${name}`} onClick={() => (intent.value = forTrader(paused ? 'resume' : 'pause', trader))}>
        {paused ? 'Resume' : 'Pause'}
      </button>
      <button type="button" aria-label={`Stop ${name}`} onClick={() => (intent.value = forTrader('stop', trader))}>Stop</button>
      {trader.limits !== null && <button type="button" aria-label={`Limits of ${name}`} onClick={() => askLimits(trader)}>Limits</button>}
      <button type="button" class="quiet-danger" aria-label={`Kill ${name}`} onClick={() => (intent.value = killClient(trader))}>Kill</button>
    </span>
  );
}

function Chips({ trader }: { readonly trader: TraderView }) {
  return (
    <>
      <span class={`chip ${trader.state === 'running' ? 'good' : 'warn'}`}>{trader.state}</span>
      {!trader.connected && <span class="chip bad">not connected</span>}
      {!trader.feedFresh && <span class="chip bad">feed is stale</span>}
    </>
  );
}

function TraderRows({ trader }: { readonly trader: TraderView }) {
  const tickToTrade = measured(trader.tickToTrade);
  return (
    <tbody data-client={trader.client}>
      <tr class="trader">
        <th scope="rowgroup" colSpan={2}>
          <b>{trader.strategy}</b>{' '}
          <span class="muted">
            client {trader.client}
            {trader.refused > 0 && <span title="Orders that its own limits did not let out"> · {compact(trader.refused)} refused</span>}
          </span>{' '}
          <Chips trader={trader} />
          <Actions trader={trader} />
        </th>
        <td class="quote" />
        <td class="quote" />
        <td class={toneOf(trader.pnl)} colSpan={2}><b>{money(trader.pnl, true)}</b></td>
        <td>{percent(trader.fillRatePercent)}</td>
        <td class="less" title={`${count(trader.ordersOpen)} open`}>{compact(trader.ordersSent.perSecond)}/s</td>
        <td class="less" title={`p99 ${duration(tickToTrade?.p99Ns ?? null)}`}>{duration(tickToTrade?.p50Ns ?? null)}</td>
      </tr>
      {trader.standsStill.length > 0 && (
        <tr class="stands-still"><td colSpan={9}>⚠ stands still: {trader.standsStill.join('; ')}</td></tr>
      )}
      {trader.books.map((book) => <BookRow key={book.ticker} book={book} />)}
    </tbody>
  );
}

export function PositionsPanel() {
  const traders = state.traders.value;
  return (
    <Panel area="positions-panel" about="What each trader holds of an instrument, against what its limits allow, its quotes in the market, and what it has made" title="Positions" note={traders.length === 1 ? '1 trader' : `${count(traders.length)} traders`} empty={traders.length === 0 ? 'No trader runs. `outcry trade` starts one.' : undefined}>
      <div class="scroll" tabIndex={0} role="group" aria-label="Positions, can be scrolled">
        <table class="table positions">
          <thead>
            <tr>
              <th scope="col">Trader, instrument</th><th scope="col" class="wide">Position, limit</th><th scope="col" class="quote">Bid</th><th scope="col" class="quote">Ask</th>
              <th scope="col">Realised</th><th scope="col">Unrealised</th><th scope="col">Fill rate</th><th scope="col" class="less">Orders</th><th scope="col" class="less">Tick to trade</th>
            </tr>
          </thead>
          {traders.map((trader) => <TraderRows key={trader.client} trader={trader} />)}
        </table>
      </div>
    </Panel>
  );
}
