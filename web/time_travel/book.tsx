// The book at the instant: asks above, bids below; a click on a price shows its queue.
import type { LevelRow } from '../../src/timetravel/moment.ts';
import { compact, count } from '../shared/format.ts';
import { Panel } from './panel.tsx';
import { priceOf } from './prices.ts';
import { chooseLevel, instrument, level, LEVELS, moment } from './state.ts';

export function BookPanel() {
  const now = moment.value;
  const bids = now?.bids ?? [];
  const asks = now?.asks ?? [];
  const largest = Math.max(1, ...bids.map(({ qty }) => qty), ...asks.map(({ qty }) => qty));
  const [bid, ask] = [bids[0], asks[0]];
  return (
    <Panel area="book" title="Order book" note={instrument.value.symbol}>
      <div class="ladder" role="group" aria-label="Order book">
        <div class="rung head">
          <span>Price</span><span>Quantity</span><span>Orders</span><span>Total</span>
        </div>
        <Side side={-1} levels={asks} largest={largest} />
        <div class="spread">
          {bid !== undefined && ask !== undefined ? <>Spread {priceOf(ask.price - bid.price)}</> : 'one side is empty'}
        </div>
        <Side side={1} levels={bids} largest={largest} />
      </div>
    </Panel>
  );
}

function Side({ side, levels, largest }: { readonly side: number; readonly levels: readonly LevelRow[]; readonly largest: number }) {
  let total = 0;
  const rows = Array.from({ length: LEVELS }, (_, index) => {
    const row = levels[index];
    total += row?.qty ?? 0;
    return row === undefined ? <div class="rung" key={index} /> : <Rung side={side} row={row} total={total} share={row.qty / largest} key={index} />;
  });
  return <div class={side > 0 ? 'bids' : 'asks'} role="group" aria-label={side > 0 ? 'Bids' : 'Asks'}>{side > 0 ? rows : rows.toReversed()}</div>;
}

function Rung({ side, row, total, share }: { readonly side: number; readonly row: LevelRow; readonly total: number; readonly share: number }) {
  const chosen = level.value?.side === side && level.value.price === row.price;
  const resting = moment.value?.order?.place;
  const own = resting !== null && resting !== undefined && !resting.isStop && resting.side === side && resting.price === row.price && resting.book === moment.value?.book;
  return (
    <button
      type="button" class={chosen ? 'rung chosen' : 'rung'} data-price={row.price} aria-pressed={chosen} title="Orders of this price"
      onClick={() => chooseLevel(chosen ? null : { side, price: row.price })}
    >
      <i class="bar" style={{ transform: `scaleX(${share.toFixed(3)})` }} />
      <span class="price">{own && <b class="own" title="The chosen order rests here">◆ </b>}{priceOf(row.price)}</span>
      <span>{count(row.qty)}</span><span class="muted">{count(row.orders)}</span><span class="muted">{compact(total)}</span>
    </button>
  );
}
