// Text of the machine, with the orders that it names as buttons: "buys 9 @ 222.31 from 1.77" leads to order 77 of client 1.
import type { OrderName } from '../../src/timetravel/order_story.ts';
import { orderNamed } from './link.ts';
import { chooseOrder, order } from './state.ts';

/** CLIENT.ID; a price has an @ before it. */
const NAME = /(?<![@\d.]\s?)\b\d{1,10}\.\d{1,20}\b(?!\.\d)/g;

export function OrderButton({ name }: { readonly name: OrderName }) {
  const chosen = order.value?.client === name.client && order.value.id === name.id;
  return (
    <button
      type="button" class={chosen ? 'name chosen' : 'name'} title="Its life and its place in the queue"
      onClick={(event) => {
        event.stopPropagation();
        chooseOrder(name);
      }}
    >
      {name.client}.{name.id}
    </button>
  );
}

export function Words({ text }: { readonly text: string }) {
  const parts: (string | OrderName)[] = [];
  let at = 0;
  for (const match of text.matchAll(NAME)) {
    const name = orderNamed(match[0]);
    if (name === null) continue;
    parts.push(text.slice(at, match.index), name);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return <>{parts.map((part, index) => (typeof part === 'string' ? part : <OrderButton name={part} key={index} />))}</>;
}
