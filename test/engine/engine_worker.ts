// A worker of workers.test.ts: has an engine, and tells what becomes of orders from elsewhere.
import { parentPort } from 'node:worker_threads';
import { TradingEngine } from '../../src/engine/trading_engine.ts';

const port = parentPort!;
const engine = new TradingEngine({ instruments: [{ symbol: 'X' }] });
engine.on('accepted', ({ orderId }) => port.postMessage(`accepted ${orderId}`));
engine.on('canceled', ({ orderId }) => port.postMessage(`canceled ${orderId}`));
await engine.start();
port.postMessage(engine.producer());
port.once('message', () => void engine.stop().then(() => port.close()));
