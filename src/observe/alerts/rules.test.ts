// Each rule at its threshold, just below it, switched off, and where its value is not known.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ALERTS_DEFAULT, type AlertSettings } from './alert_settings.ts';
import {
  bookView, exchangeView, journalView, latencyView, lookAt, processView, rateView, systemView, traderView,
} from './looks.reference.ts';
import { type Look, type Measure, measureAll, SYMBOL_NONE } from './rules.ts';
import type { AlertKind } from './alert.ts';
import { LIMIT_UNKNOWN, type SystemView } from '../system_view.ts';

/** Everything off that is not asked for. */
const OFF: AlertSettings = {
  ...ALERTS_DEFAULT, highLatencyNs: 0, highRoundTripNs: 0, largeLossPercent: 0, largeLoss: 0, largePositionPercent: 0, largePosition: 0,
  overloadCpuPercent: 0, overloadMemoryPercent: 0, overloadMemoryBytes: 0, feedGapsPerMinute: 0, journalLagRecords: 0, journalLagBytes: 0,
  journalLagNs: 0, rejectRatioPercent: 0, processSilent: false,
};

function measured(minute: readonly Look[], settings: Partial<AlertSettings>): Measure[] {
  return measureAll({ now: minute[minute.length - 1], minute }, { ...OFF, ...settings });
}

function one(minute: readonly Look[], settings: Partial<AlertSettings>): Measure {
  const measures = measured(minute, settings);
  assert.equal(measures.length, 1, JSON.stringify(measures));
  return measures[0];
}

/** Kind, subject, value, threshold, sentence: what an alert would say. */
function said({ kind, subject, value, threshold, text }: Measure): readonly [AlertKind, string, number, number, string] {
  return [kind, subject, value, threshold, text];
}

test('nothing runs, and nothing is asked for: nothing is measured', () => {
  assert.deepEqual(measured([lookAt()], {}), []);
  assert.deepEqual(measureAll({ now: lookAt(), minute: [lookAt()] }, ALERTS_DEFAULT).map(({ kind }) => kind), ['SystemOverload', 'SystemOverload']);
});

describe('HighLatency', () => {
  test('is the exchange its own order latency, and each trader its round trip', () => {
    const look = lookAt({ exchange: exchangeView({ orderLatency: latencyView(1_250_000) }), traders: [traderView({ roundTrip: latencyView(41_000) })] });
    const [exchange, trader] = measured([look], { highLatencyNs: 1_000_000, highRoundTripNs: 2_000_000_000 });
    assert.deepEqual(said(exchange), ['HighLatency', 'exchange', 1_250_000, 1_000_000, 'p99 of the order latency 1.25 ms, threshold 1 ms']);
    assert.deepEqual(said(trader), ['HighLatency', 'client 5', 41_000, 2e9, 'p99 from order to acknowledgement 41 µs, threshold 2 s']);
    assert.deepEqual(exchange.detail, { symbolId: SYMBOL_NONE, latencyNs: 1_250_000 });
  });

  test('what is not measured is not known', () => {
    const nothing = { ...latencyView(0), count: 0 };
    for (const latency of [null, nothing]) {
      const look = lookAt({ exchange: exchangeView({ orderLatency: latency }), traders: [traderView({ roundTrip: latency })] });
      assert.deepEqual(measured([look], { highLatencyNs: 1, highRoundTripNs: 1 }), []);
    }
  });
});

describe('LargeLoss and LargePosition', () => {
  const look = (differs: Parameters<typeof bookView>[0]): Look[] => [lookAt({ traders: [traderView({ books: [bookView(differs)] })] })];

  test('a loss as a share of its limit, realised and not', () => {
    const measure = one(look({ realised: -400, unrealised: -150.5 }), { largeLossPercent: 50 });
    assert.deepEqual(said(measure), ['LargeLoss', 'T7 of client 5', 55.05, 50, 'loss 550.50 is of its limit 55.1 %, threshold 50 %']);
    assert.deepEqual(measure.detail, { symbolId: 7, client: 5, pnl: -550.5 });
  });

  test('a loss in money; a profit is a loss of 0, an unknown valuation counts nothing', () => {
    assert.equal(one(look({ realised: -2_000, unrealised: null }), { largeLoss: 1_999 }).text, 'loss 2,000.00, threshold 1,999.00');
    assert.equal(one(look({ realised: 50, unrealised: -20 }), { largeLoss: 10 }).value, 0);
  });

  test('a position, long or short, against its limit and as a quantity', () => {
    const short = one(look({ position: -900 }), { largePositionPercent: 90 });
    assert.deepEqual(said(short), ['LargePosition', 'T7 of client 5', 90, 90, 'position -900 is of its limit 90 %, threshold 90 %']);
    assert.deepEqual(short.detail, { symbolId: 7, client: 5, position: -900 });
    assert.equal(one(look({ position: -1_500 }), { largePosition: 1_000 }).text, 'short position 1,500, threshold 1,000');
  });

  test('without a limit there is no share of it', () => {
    for (const none of [0, LIMIT_UNKNOWN])
      assert.deepEqual(measured(look({ position: 5, realised: -5, positionMax: none, lossMax: none }), { largeLossPercent: 1, largePositionPercent: 1 }), []);
  });
});

test('SystemOverload: mean of the cores, share of memory, and what our processes hold', () => {
  const machine: SystemView['machine'] = { ...systemView().machine, coresBusyPercent: [100, 97] };
  const processes = [processView({ residentBytes: 2 ** 30 }), processView({ residentBytes: 2 ** 29, pid: 2 })];
  const [cpu, memory, ours] = measured([lookAt({ machine, processes })], {
    overloadCpuPercent: 95, overloadMemoryPercent: 90, overloadMemoryBytes: 2 ** 30,
  });
  assert.deepEqual(said(cpu), ['SystemOverload', '', 98.5, 95, '2 cores busy 98.5 %, threshold 95 %']);
  assert.deepEqual(cpu.detail, { cpuUsagePercent: 98.5, memoryUsageBytes: 2 * 2 ** 30 });
  assert.deepEqual([memory.value, memory.part, cpu.part], [25, 'memory', 'cpu']);
  assert.equal(ours.text, 'resident memory of our processes 1.5 GiB, threshold 1 GiB');
  assert.equal(ours.detail['memoryUsageBytes'], 1.5 * 2 ** 30);
});

describe('FeedGaps', () => {
  const gaps = (own: number | null, trader: number | null): Look =>
    lookAt({ traders: trader === null ? [] : [traderView({ feedGaps: trader })] }, { feedGaps: own });

  test('those of the last minute, of the monitor and of each trader; what was before it looked does not count', () => {
    const [monitor, trader] = measured([gaps(10, 100), gaps(10, 100), gaps(12, 101)], { feedGapsPerMinute: 2 });
    assert.deepEqual(said(monitor), ['FeedGaps', 'monitor', 2, 2, 'holes in the feed within a minute: 2, threshold 2']);
    assert.deepEqual(said(trader), ['FeedGaps', 'client 5', 1, 2, 'holes in the feed within a minute: 1, threshold 2']);
  });

  test('a count that begins anew counts from 0, and a trader that was not there before has none', () => {
    assert.equal(one([gaps(10, null), gaps(null, null), gaps(3, null)], { feedGapsPerMinute: 1 }).value, 3);
    assert.equal(one([gaps(null, null), gaps(null, 40)], { feedGapsPerMinute: 1 }).value, 0);
  });
});

describe('JournalLag', () => {
  const look = (elapsedMs: number, sequence: number, releasedSequence: number, backlogBytes = 0, pid = 1): Look =>
    lookAt({ exchange: exchangeView({ pid, journal: journalView({ sequence, releasedSequence, lagRecords: sequence - releasedSequence, backlogBytes }) }) }, { elapsedMs });

  test('records and bytes', () => {
    const [records, bytes] = measured([look(0, 1_500, 500, 3 * 2 ** 20)], { journalLagRecords: 1_000, journalLagBytes: 2 ** 20 });
    assert.deepEqual(said(records), ['JournalLag', 'exchange', 1_000, 1_000, 'records that are not safe yet: 1,000, threshold 1,000']);
    assert.equal(bytes.text, 'waiting for the disk: 3 MiB, threshold 1 MiB');
  });

  test('age: since the first look that saw a record which is not safe now', () => {
    const minute = [look(0, 100, 90), look(250, 200, 100), look(500, 300, 150), look(750, 400, 199)];
    assert.equal(one(minute, { journalLagNs: 1 }).value, 500e6); // record 200 was there at 250
    assert.equal(one([...minute, look(1_000, 500, 500)], { journalLagNs: 1 }).value, 0);
    assert.equal(one([...minute, look(1_000, 500, 499)], { journalLagNs: 1 }).value, 0); // record 500 is first seen now
  });

  test('records of an exchange that was there before are not those of this one', () => {
    assert.equal(one([look(0, 900, 900), look(5_000, 10, 9, 0, 2)], { journalLagNs: 1 }).value, 0);
  });

  test('without a journal there is none', () => {
    assert.deepEqual(measured([lookAt({ exchange: exchangeView() })], { journalLagNs: 1, journalLagRecords: 1 }), []);
  });
});

describe('RejectRatio', () => {
  const look = (requests: number, rejected: number, sent = 0, refused = 0): Look => lookAt({
    exchange: exchangeView({ requests: rateView(requests), rejected: rateView(rejected) }),
    traders: [traderView({ ordersSent: rateView(sent), rejected: refused })],
  });
  const settings = { rejectRatioPercent: 50, rejectCountMin: 100 };

  test('of the last minute, of the exchange and of each trader', () => {
    const [exchange, trader] = measured([look(1_000, 0), look(1_200, 120, 100, 100)], settings);
    assert.deepEqual(said(exchange), ['RejectRatio', 'exchange', 60, 50, '120 of 200 requests of the last minute rejected: 60 %, threshold 50 %']);
    assert.deepEqual([trader.subject, trader.value], ['client 5', 100]);
    assert.deepEqual(exchange.detail, { rejected: 120, requests: 200 });
  });

  test('with few requests there is none', () => {
    assert.deepEqual(measured([look(0, 0), look(99, 99)], settings), []);
  });
});

describe('ProcessSilent', () => {
  test('a process without a sign of life, without waiting', () => {
    const measure = one([lookAt({ processes: [processView(), processView({ verb: 'trade', pid: 9, beating: false })] })], { processSilent: true });
    assert.deepEqual([said(measure), measure.isFact], [['ProcessSilent', 'trade 9', 1, 1, 'trade, process 9, gives no sign of life'], true]);
  });

  test('an exchange that has gone while traders wait for it', () => {
    const waiting = { traders: [traderView({ connected: false }), traderView({ client: 6, pid: 3 })] };
    const before = lookAt({ exchange: exchangeView() });
    assert.equal(one([before, lookAt(waiting)], { processSilent: true }).text, 'the exchange has gone, and clients 5 wait for it');
    // None was there, or nobody misses it.
    assert.deepEqual(measured([lookAt(waiting)], { processSilent: true }), []);
    assert.deepEqual(measured([before, lookAt({ traders: [traderView()] })], { processSilent: true }), []);
  });
});

test('HashMismatch: the book, both hashes and the sequence, without waiting', () => {
  const mismatch = { ticker: 3, symbol: 'T3', sequence: 77, fresh: 'aa', followed: 'bb' };
  const measure = one([lookAt({}, { mismatches: [mismatch] })], {});
  assert.equal(measure.text, "the book from increments has hash bb at feed sequence 77, a fresh receiver's has aa");
  assert.deepEqual([measure.kind, measure.subject, measure.isFact, measure.detail['symbolId']], ['HashMismatch', 'T3', true, 3]);
});

test('the same looks give the same measures', () => {
  const minute = [lookAt({ exchange: exchangeView({ orderLatency: latencyView(5) }) })];
  const frozen = structuredClone(minute);
  assert.deepEqual(measureAll({ now: minute[0], minute }, ALERTS_DEFAULT), measureAll({ now: frozen[0], minute: frozen }, ALERTS_DEFAULT));
  assert.deepEqual(minute, frozen);
});
