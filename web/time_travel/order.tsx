// The drill-down: the queue of a price, and one order: its place, and all of its life.
import type { Queue } from '../../src/timetravel/moment.ts';
import type { OrderPlace, OrderStory } from '../../src/timetravel/order_story.ts';
import { count } from '../shared/format.ts';
import { toOrderEvent } from './actions.ts';
import { Panel } from './panel.tsx';
import { pause } from './player.ts';
import { priceOf } from './prices.ts';
import { chooseLevel, chooseOrder, day, go, moment, order } from './state.ts';
import { timeOfDay } from './times.ts';
import { OrderButton } from './words.tsx';

export function OrderPanel() {
  const story = moment.value?.order ?? null;
  if (story === null) return null;
  return (
    <Panel
      area="order" title={`Order ${story.client}.${story.id}`}
      note={
        <span class="buttons">
          <button type="button" onClick={() => toOrderEvent(-1)} title="Its event before (i)">‹</button>
          <button type="button" onClick={() => toOrderEvent(1)} title="Its next event (o)">›</button>
          <button type="button" onClick={() => chooseOrder(null)} aria-label="Let go of the order" title="Let go (Esc)">×</button>
        </span>
      }
    >
      {story.place === null ? <p class="place none">Does not rest at this instant.</p> : <Place place={story.place} />}
      <Steps story={story} />
    </Panel>
  );
}

function Place({ place }: { readonly place: OrderPlace }) {
  const { side, price, isStop, qty, hidden, executed, ordersAhead, qtyAhead, ordersInLevel } = place;
  const word = side > 0 ? 'bid' : 'ask';
  if (isStop) return <p class="place">Waits for a trade at {priceOf(price)}: {count(qty)} to {side > 0 ? 'buy' : 'sell'}.</p>;
  return (
    <div class="place" data-ahead={qtyAhead} data-orders-ahead={ordersAhead}>
      <div class="figure"><span>{side > 0 ? 'Buys' : 'Sells'}</span><strong class={word}>{count(qty)} @ {priceOf(price)}</strong></div>
      <div class="figure"><span>In the queue</span><strong>{count(ordersAhead + 1)} of {count(ordersInLevel)}</strong></div>
      <div class="figure"><span>Ahead</span><strong>{count(qtyAhead)}</strong></div>
      <div class="figure"><span>Executed</span><strong>{count(executed)}</strong></div>
      {hidden > 0 && <div class="figure"><span>Hidden</span><strong>{count(hidden)}</strong></div>}
      <button type="button" class="wide" onClick={() => chooseLevel({ side, price })}>Show its queue</button>
    </div>
  );
}

function Steps({ story }: { readonly story: OrderStory }) {
  const position = moment.value?.position ?? 0;
  return (
    <ol class="steps">
      {story.steps.length === 0 && <li>Nothing in this day tells of it.</li>}
      {story.steps.map((step, index) => (
        <li
          key={index} class={`${step.type} ${step.position > position ? 'future' : step.position === position ? 'now' : 'past'}`} data-step={step.position}
          onClick={() => {
            pause();
            go({ position: step.position });
          }}
        >
          <span class="time">{timeOfDay(step.timeNs, day.value?.zeroMs ?? null, 6)}</span>
          <span>{step.text}</span>
        </li>
      ))}
      {story.more && <li>…</li>}
    </ol>
  );
}

export function QueuePanel() {
  const queue = moment.value?.queue ?? null;
  if (queue === null) return null;
  const total = queue.orders.reduce((sum, { qty }) => sum + qty, 0);
  return (
    <Panel
      area="queue" title={`${queue.side > 0 ? 'Bids' : 'Asks'} at ${priceOf(queue.price)}`}
      note={
        <span class="buttons">
          {count(total)} in {count(queue.orders.length)} {queue.orders.length === 1 ? 'order' : 'orders'}
          <button type="button" onClick={() => chooseLevel(null)} aria-label="Let go of the level" title="Let go (Esc)">×</button>
        </span>
      }
    >
      {queue.orders.length === 0 ? <p class="panel-state">Nobody stands at this price now.</p> : <QueueRows queue={queue} total={total} />}
    </Panel>
  );
}

/** Each order as a piece of the whole queue, the next to trade on the left; then one a row. */
function QueueRows({ queue, total }: { readonly queue: Queue; readonly total: number }) {
  const isChosen = (client: number, id: string): boolean => order.value?.client === client && order.value.id === id;
  return (
    <>
      <div class={queue.side > 0 ? 'train bid' : 'train ask'} aria-hidden="true">
        {queue.orders.map(({ client, id, qty }) => <i key={`${client}.${id}`} class={isChosen(client, id) ? 'chosen' : ''} style={{ flexGrow: qty / total }} />)}
      </div>
      <div class="queue" role="table" aria-label="Queue of the price">
        <div class="head" role="row">
          <span role="columnheader">#</span><span role="columnheader">Order</span><span role="columnheader">Quantity</span><span role="columnheader">Ahead</span><span role="columnheader">Executed</span>
        </div>
        {queue.orders.map(({ client, id, qty, hidden, executed, aheadQty }, index) => (
          <div role="row" key={`${client}.${id}`} class={isChosen(client, id) ? 'chosen' : ''} data-order={`${client}.${id}`}>
            <span role="cell" class="muted">{index + 1}</span>
            <span role="cell"><OrderButton name={{ client, id }} /></span>
            <span role="cell">{count(qty)}{hidden > 0 && <span class="muted"> +{count(hidden)}</span>}</span>
            <span role="cell" class="muted">{count(aheadQty)}</span>
            <span role="cell" class="muted">{count(executed)}</span>
          </div>
        ))}
      </div>
    </>
  );
}
