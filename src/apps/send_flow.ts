// Sends one order flow into a running exchange and waits for the answers.
//
//   network ─► FlowDriver (flow, session, latency) ─► Watch: answered, broken, or silent? ─► end
//
// One loop on one thread. It ends when the flow has ended and all is answered, on Ctrl-C after the
// answers to what was sent, when the session breaks, or when answers stay away.
import { AgentRunner } from '../base/agent.ts';
import type { Agent } from '../base/agent.ts';
import { MonotonicClock } from '../base/clock.ts';
import type { HistogramSummary } from '../base/histogram.ts';
import { REASON_TEXT } from '../book/types.ts';
import { chooseNetwork } from '../net/choose_network.ts';
import type { ConnectOptions, Network } from '../net/transport.ts';
import { RequestKind } from '../recorded/order_flow.ts';
import type { OrderFlow } from '../recorded/order_flow.ts';
import type { Framing } from '../wire/framing/frame.ts';
import { ResponseType } from '../wire/generated/native.ts';
import { FlowDriver } from './flow_driver.ts';
import { Progress, grouped, listed } from './progress.ts';
import type { VerbResult } from './progress.ts';

const REPORT_EVERY_NS = 1_000_000_000;
/** Answers that stay away this long will not come. */
const SILENCE_NS = 15_000_000_000;
const SILENT = `no answer for ${SILENCE_NS / 1e9} s`;

export interface SendOptions {
  /** Times the recorded speed; Infinity: as fast as the answers come. */
  speed: number;
  framing: Framing;
  clientId: number;
  account?: string;
  password?: string;
  /** Instrument of the orders. */
  ticker: number;
  /** Unanswered requests at most. */
  window?: number;
  /** Leave the orders in the book at the end, as far as the exchange lets them outlive the session. */
  keep?: boolean;
}

/** What a program gets to know. Counts are of requests, answers or reports; times in nanoseconds. */
export interface SendReport {
  ok: boolean;
  flow: string;
  messages: number;
  requests: number;
  elapsedSeconds: number;
  newOrders: number;
  immediateOrders: number;
  modifies: number;
  cancels: number;
  accepted: number;
  modified: number;
  canceled: number;
  /** A trade of two of the flow's own orders makes two. */
  fills: number;
  rejected: number;
  /** By reason, in words. */
  rejects: Record<string, number>;
  unanswered: number;
  lastOrderId: number;
  latencyNs: HistogramSummary;
  /** Why it ended early, '' when it did not. */
  fault: string;
}

export interface SendResult extends VerbResult {
  json: SendReport;
}

/**
 * Sends a flow over one session and waits for the answers; at its end the session's orders are
 * cancelled unless `keep`. Ctrl-C ends it early and in good order. The network is this call's own when none is
 * given.
 */
export async function sendFlow(
  flow: OrderFlow,
  to: ConnectOptions,
  options: SendOptions,
  network?: Network,
): Promise<SendResult> {
  const clock = new MonotonicClock();
  const own = network ?? chooseNetwork().network;
  const { clientId: client, framing, account, password, ticker, speed, window, keep } = options;
  const driver = new FlowDriver({
    clock,
    ticker,
    speed,
    keepOrders: keep ?? false,
    ...(window === undefined ? {} : { window }),
    entry: {
      client,
      framing,
      ...(account === undefined ? {} : { account }),
      ...(password === undefined ? {} : { password }),
    },
    pass: (pass) => (pass === 0 ? flow : null),
  });
  const progress = new Progress();
  const watch = new Watch(driver, flow, progress);
  const stop = (): void => driver.stop();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    driver.connect(await own.connect(to));
    const poll: Agent = { name: 'network', poll: () => own.poll() };
    const runner = new AgentRunner({
      agents: [poll, driver, watch],
      clock,
      needsEventLoop: own.needsEventLoop,
    });
    watch.onEnd = () => runner.stop();
    await runner.run();
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    progress.clear();
    driver.entry.close();
    flow.close();
    if (network === undefined) own.close();
  }
  return sendResult(driver, flow, watch);
}

/**
 * Sees that a replay ends: when all is answered, when the session breaks, when answers stay away.
 */
class Watch implements Agent {
  readonly name = 'watch';
  onEnd: () => void = () => {};
  /** Why it ended before its time, '' when it did not. */
  fault = '';
  readonly #driver: FlowDriver;
  readonly #flow: OrderFlow;
  readonly #progress: Progress;
  #startNs = -1;
  #endNs = -1;
  #shownNs = 0;
  #shownRequests = 0;
  #answers = -1;
  #lastAnswerNs = 0;

  constructor(driver: FlowDriver, flow: OrderFlow, progress: Progress) {
    this.#driver = driver;
    this.#flow = flow;
    this.#progress = progress;
  }

  /** From the first turn to the last answer. */
  get elapsedNs(): number {
    return this.#endNs - this.#startNs;
  }

  poll(nowNs: number): number {
    const driver = this.#driver;
    if (this.#startNs < 0) this.#startNs = this.#shownNs = this.#lastAnswerNs = nowNs;
    if (driver.entry.responses !== this.#answers || (driver.entry.ready && driver.underWay === 0)) {
      this.#answers = driver.entry.responses;
      this.#lastAnswerNs = nowNs;
    }
    if (driver.closedReason !== '') this.fault = driver.closedReason;
    else if (nowNs - this.#lastAnswerNs > SILENCE_NS) this.fault = SILENT;
    if (this.fault !== '' || driver.idle) {
      this.#endNs = nowNs;
      this.onEnd();
    } else if (nowNs - this.#shownNs >= REPORT_EVERY_NS) this.#show(nowNs);
    return 0;
  }

  #show(nowNs: number): void {
    const { requests, recordedNs } = this.#driver;
    const rate = ((requests - this.#shownRequests) * 1e9) / (nowNs - this.#shownNs);
    const { messages, messagesTotal } = this.#flow;
    const part =
      messagesTotal === null ? '' : ` (${Math.floor((100 * messages) / messagesTotal)} %)`;
    const recorded = `recorded time ${(recordedNs / 1e9).toFixed(3)} s`;
    const perSecond = `${grouped(Math.round(rate))}/s`;
    this.#progress.show(`${grouped(requests)} requests${part}, ${perSecond}, ${recorded}`);
    this.#shownNs = nowNs;
    this.#shownRequests = requests;
  }
}

function sendResult(driver: FlowDriver, flow: OrderFlow, watch: Watch): SendResult {
  const kinds = driver.requestsByKind;
  const answers = driver.responsesByType;
  const elapsedS = watch.elapsedNs / 1e9;
  const rejects: Record<string, number> = {};
  driver.rejectsByCode.forEach((count, code) => {
    if (count > 0) rejects[code === 0 ? 'no code given' : REASON_TEXT[code]] = count;
  });
  const latency = driver.latency.summary();
  const ok = watch.fault === '' && driver.underWay === 0;
  const canceled = answers[ResponseType.Canceled] + answers[ResponseType.Expired];
  const sent = listed(
    [kinds[RequestKind.New], 'new'],
    [kinds[RequestKind.Immediate], 'immediate'],
    [kinds[RequestKind.Modify], 'modifies'],
    [kinds[RequestKind.Cancel], 'cancels'],
  );
  const came = listed(
    [answers[ResponseType.Accepted], 'accepted'],
    [answers[ResponseType.Modified], 'modified'],
    [canceled, 'canceled'],
    [driver.rejects, 'rejected'],
    [driver.underWay, 'unanswered'],
  );
  const rate = grouped(Math.round(driver.requests / elapsedS));
  const { p50, p90, p99, p999, max } = latency;
  const lines = [
    `${flow.name}: ${grouped(flow.messages)} messages in ${elapsedS.toFixed(2)} s`,
    `requests: ${grouped(driver.requests)} (${sent}), ${rate}/s`,
    `answers: ${came}; ${grouped(driver.fills)} fills`,
    ...Object.entries(rejects).map(([reason, count]) => `  rejected, ${reason}: ${grouped(count)}`),
    `latency to the answer, µs: p50 ${us(p50)}  p90 ${us(p90)}  p99 ${us(p99)}  ` +
      `p99.9 ${us(p999)}  max ${us(max)}`,
  ];
  if (watch.fault !== '') lines.push(`ended early: ${watch.fault}`);
  const json: SendReport = {
    ok,
    flow: flow.name,
    messages: flow.messages,
    requests: driver.requests,
    elapsedSeconds: elapsedS,
    newOrders: kinds[RequestKind.New],
    immediateOrders: kinds[RequestKind.Immediate],
    modifies: kinds[RequestKind.Modify],
    cancels: kinds[RequestKind.Cancel],
    accepted: answers[ResponseType.Accepted],
    modified: answers[ResponseType.Modified],
    canceled,
    fills: driver.fills,
    rejected: driver.rejects,
    rejects,
    unanswered: driver.underWay,
    lastOrderId: flow.lastOrderId,
    latencyNs: latency,
    fault: watch.fault,
  };
  return { ok, lines, json };
}

/** Nanoseconds as microseconds, to a tenth. */
function us(ns: number): string {
  return (ns / 1_000).toFixed(1);
}
