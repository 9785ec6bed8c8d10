// The same events give the same decisions: live over sockets, on a simulated network, and in a
// backtest. Each time every event is taped, and a fresh runner that hears the tape must send the same
// requests in the same order, to the bit of the hash.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backtest, MARKET_CLIENT } from '../../src/backtest/backtest.ts';
import { FlowMarket } from '../../src/backtest/flow_market.ts';
import { MonotonicClock } from '../../src/base/clock.ts';
import { plainInstrument } from '../../src/exchange/config.ts';
import { chooseNetwork } from '../../src/net/choose_network.ts';
import { generateEquityFlow } from '../../src/recorded/equity_flow.ts';
import { EquityOrderFlow } from '../../src/recorded/order_flow.ts';
import { RISK_LIMITS_DEFAULT } from '../../src/trader/risk.ts';
import { builtIn, MAKER, TAKER, TradeRig, type TradeRigOptions } from './trade_rig.ts';
import { Tape } from './tape.ts';

const STRATEGIES: readonly [name: string, parameters: Record<string, number>][] = [
  ['market-maker', MAKER], ['market-maker-bps', { spread_bps: 8, min_edge_bps: 1 }],
  ['liquidity-taker', TAKER], ['spread-arbitrage', { min_spread: 0.02, max_spread: 1, quantity: 5 }],
];
const LIVE_MS = 1_500;

async function taped(options: TradeRigOptions, run: (rig: TradeRig) => Promise<void>): Promise<void> {
  const rig = await TradeRig.open(options);
  try {
    const tapes: Tape[] = [];
    for (const [i, [name, parameters]] of STRATEGIES.entries()) {
      const { trader } = await rig.add({ client: i + 1, strategy: builtIn(name, parameters), firstOrderId: 1 });
      tapes.push(new Tape(trader));
    }
    await rig.startFlow();
    await run(rig);
    await rig.settle();
    let decisions = 0;
    for (const [i, [name, parameters]] of STRATEGIES.entries()) {
      const { trader } = rig.traders[i];
      assert.equal(trader.session.entry.refused, 0, 'every request found room');
      const played = tapes[i].play({
        instruments: rig.instruments, limits: RISK_LIMITS_DEFAULT, strategy: builtIn(name, parameters), firstOrderId: 1,
      });
      decisions += trader.runner.decisions;
      assert.equal(played.decisions, trader.runner.decisions, name);
      assert.equal(played.traceHash, trader.runner.traceHash, name);
      assert.equal(played.positions.position(0), trader.runner.positions.position(0), name);
      assert.equal(played.positions.realised2(0), trader.runner.positions.realised2(0), name);
    }
    assert.ok(decisions > 200, `${decisions} decisions`);
  } finally {
    rig.close();
  }
}

test('live, over sockets', async () => {
  const networks = (): ReturnType<typeof chooseNetwork>['network'] => chooseNetwork().network;
  await taped({ network: networks, clock: new MonotonicClock(), flowGapNs: 200_000 }, async (rig) => {
    const endMs = performance.now() + LIVE_MS;
    while (performance.now() < endMs) await rig.turn(64);
  });
});

test('simulated, over a network that loses, doubles, reorders and cuts', async () => {
  const fabric = {
    seed: 5, link: { loss: 0.02, duplicate: 0.02, reorder: 0.05, reorderDistance: 4 },
    streams: { receiveChunkMax: 50, sendChunkMax: 50, bufferBytes: 1 << 20 },
  };
  await taped({ fabric }, (rig) => rig.turn(40_000));
});

test('in a backtest', async () => {
  for (const [name, parameters] of STRATEGIES) {
    const flow = new EquityOrderFlow(generateEquityFlow({ scenario: 'normal', orders: 2_000 }));
    const backtest = await Backtest.open({
      source: new FlowMarket({ flow, ticker: 1, client: MARKET_CLIENT }), instrument: plainInstrument(1),
      strategy: () => builtIn(name, parameters), limits: () => RISK_LIMITS_DEFAULT,
    });
    const { trader } = backtest;
    const tape = new Tape(trader);
    const result = await backtest.run();
    const played = tape.play({
      instruments: trader.instruments, limits: RISK_LIMITS_DEFAULT, strategy: builtIn(name, parameters), firstOrderId: 1,
    });
    assert.ok(trader.runner.decisions > 0, name);
    assert.equal(played.traceHash, result.traceHash, name);
    assert.equal(played.decisions, trader.runner.decisions, name);
    backtest.close();
  }
});

test('an event that is missing changes the decisions: the comparison can fail', async () => {
  const rig = await TradeRig.open();
  const { trader } = await rig.add({ client: 1, strategy: builtIn('market-maker', MAKER), firstOrderId: 1 });
  const tape = new Tape(trader);
  await rig.startFlow();
  await rig.turn(10_000);
  await rig.settle();
  rig.close();
  const fill = tape.events.findIndex(({ name, args }) => name === 'onResponse' && args[0] === 3);
  assert.ok(fill > 0, 'there was a fill');
  tape.events.splice(fill, 1);
  const options = { instruments: rig.instruments, limits: RISK_LIMITS_DEFAULT, strategy: builtIn('market-maker', MAKER), firstOrderId: 1 };
  assert.notEqual(tape.play(options).traceHash, trader.runner.traceHash);
});
