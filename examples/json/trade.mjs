// Joins a market over a WebSocket: subscribes, places an order, prints what becomes of it. Browsers, and Node from version 22
// on, have all that it needs (`node bin/node26.mjs` is Node 26 wherever this repository is installed); in a page take `trade`
// as it is, served from an origin that the gateway was told of (outcry json --origin).
//
//   outcry exchange &
//   outcry json &
//   node bin/node26.mjs examples/json/trade.mjs 7 T1 buy 100.25 10 [ws://127.0.0.1:8082]
//
// Prices are text, exact; timestamps are nanoseconds, which a number of JavaScript holds to 256 ns.

/** Resolves with the quantity that was filled when the order has ended; `print` is told of everything. */
export function trade({ url, client, symbol, side, price, qty, print }) {
  return new Promise((resolve, reject) => {
    if (typeof WebSocket === 'undefined') throw new Error('expected a browser or Node from version 22 on, which have WebSockets');
    const socket = new WebSocket(url);
    const say = (request) => socket.send(JSON.stringify(request));
    let filled = 0;
    const end = (act, value) => {
      act(value);
      socket.close();
    };
    socket.addEventListener('error', () => reject(new Error(`no gateway answers on ${url}; start one: outcry json`)));
    socket.addEventListener('close', () => reject(new Error('the gateway closed the connection')));
    socket.addEventListener('open', () => {
      say({ op: 'subscribe', channels: ['trades', 'top'], symbols: [symbol] });
      say({ op: 'login', client });
    });
    socket.addEventListener('message', ({ data }) => {
      const event = JSON.parse(data);
      switch (event.event) {
        case 'session':
          if (event.state === 'ready') say({ op: 'new', symbol, side, price, qty, ref: 'mine' });
          else if (event.state === 'down') print(`no session: ${event.text}`); // the gateway tries again
          else end(reject, new Error(`the session has ended: ${event.text}`));
          break;
        case 'trade':
          print(`trade ${event.symbol} ${event.volume} @ ${event.price}`);
          break;
        case 'accepted':
          print(`accepted: order ${event.id}`);
          break;
        case 'fill':
          filled += event.qty;
          print(`fill ${event.side} ${event.qty} @ ${event.price}, ${event.leaves} left`);
          if (event.leaves === 0) end(resolve, filled);
          break;
        case 'canceled':
          print(`canceled: ${event.qty}`);
          end(resolve, filled);
          break;
        case 'rejected':
        case 'closed':
          end(reject, new Error(`${event.event}: ${event.text}`));
          break;
        default: // hello, subscribed, market, top
      }
    });
  });
}

// As a program; in a page there is no `process`. (import.meta.main says the same from Node 24 on and is silent before.)
if (typeof process !== 'undefined' && process.argv[1] === import.meta.filename) {
  const [client = '7', symbol = 'T1', side = 'sell', price = '100.25', qty = '10', url = 'ws://127.0.0.1:8082'] = process.argv.slice(2);
  try {
    const filled = await trade({ url, client: Number(client), symbol, side, price, qty: Number(qty), print: console.log });
    console.log(`filled ${filled} of ${qty}`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
