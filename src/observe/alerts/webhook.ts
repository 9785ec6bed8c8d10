// Tells one web address of each alert that is raised or cleared, by POST, in order and one at a time.
//
//   onChange ─► tell(): queue ─► POST ──2xx──────────────────────────────────────► sent
//                         ▲        ├──no answer in time, 408, 425, 429, 5xx──► pause, again, `retries` times ─► failed
//                         └────────┴──any other status, redirects too────────────► failed
//
//   POST  Content-Type: application/json    {"event":"raised","alert":{…},"source":"outcry dashboard, process 4711"}
//         Outcry-Delivery: 7                rises; the same at each attempt, so that a receiver can tell a repetition
//         Outcry-Signature: t=1700000000,v1=<HMAC-SHA256 of "1700000000.<body>" in hexadecimal>       with a secret
//
// The monitor never waits for it and never hears an error of it: `tell` puts into a queue, and what does not fit pushes the
// oldest out, counted. The pause doubles from PAUSE_MS to PAUSE_MS_MAX, and half of it is random, so that many monitors do not
// come back at once. Redirects are not followed: alerts go where the configuration says or nowhere. The address may hold
// a secret, so what is said of failures names its host alone.
//
// Limits: QUEUE_MAX deliveries wait. What waits at the end is dropped.
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AlertChange } from './alert_book.ts';
import type { WebhookSettings } from './alert_settings.ts';

/** Every alert that could be raised at once, some hundred bytes each. */
export const QUEUE_MAX = 256;
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 30_000;
/** Of answers that say "later", and those that say that something is wrong at their end: 5xx. */
const LATER_STATUSES = new Set([408, 425, 429]);

export interface WebhookOptions {
  /** Who tells: for whoever hears several monitors. */
  readonly source: string;
  /** Told once for each delivery that failed for good, without anything secret. */
  readonly note?: (line: string) => void;
  /** 0 ≤ x < 1. */
  readonly random?: () => number;
  /** Waits so long, or until `signal`; for tests. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

type Outcome = { readonly kind: 'sent' | 'later' | 'refused'; readonly why: string };

export class Webhook {
  /** Deliveries that were taken. */
  sent = 0;
  /** Deliveries that nobody took. */
  failed = 0;
  /** Attempts after the first. */
  retried = 0;
  /** Deliveries that were never tried, for others waited before them. */
  dropped = 0;
  /** Hold from the next attempt on. */
  settings: WebhookSettings;
  readonly #options: WebhookOptions;
  readonly #queue: { readonly delivery: number; readonly body: string }[] = [];
  #deliveries = 0;
  #busy = false;
  readonly #ended = new AbortController();

  constructor(settings: WebhookSettings, options: WebhookOptions) {
    this.settings = settings;
    this.#options = options;
  }

  /** Deliveries that wait, the one under way among them. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Never waits, never throws. */
  tell(change: AlertChange): void {
    if (this.settings.url === '' || this.#ended.signal.aborted) return;
    if (this.#queue.length === QUEUE_MAX) {
      // The first is under way.
      this.#queue.splice(1, 1);
      this.dropped++;
    }
    const body = JSON.stringify({ event: change.event, alert: change.alert, source: this.#options.source });
    this.#queue.push({ delivery: ++this.#deliveries, body });
    if (!this.#busy) void this.#work();
  }

  /** What is under way is broken off. */
  close(): void {
    this.#ended.abort();
    this.dropped += this.#queue.length;
    this.#queue.length = 0;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let [head] = this.#queue; head !== undefined; [head] = this.#queue) {
      await this.#deliver(head.delivery, head.body);
      this.#queue.shift();
    }
    this.#busy = false;
  }

  async #deliver(delivery: number, body: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const { kind, why } = await this.#post(delivery, body);
      if (this.#ended.signal.aborted) return;
      if (kind === 'sent') {
        this.sent++;
        return;
      }
      if (kind === 'refused' || attempt >= this.settings.retries) {
        this.failed++;
        this.#options.note?.(`alerts: ${hostOf(this.settings.url)} was not told of an alert: ${why}`);
        return;
      }
      await this.#pause(attempt);
      if (this.#ended.signal.aborted) return;
      this.retried++;
    }
  }

  async #post(delivery: number, body: string): Promise<Outcome> {
    const { url, secret, timeoutMs } = this.settings;
    if (url === '') return { kind: 'refused', why: 'there is no address any more' };
    const deadline = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method: 'POST', body, redirect: 'manual', signal: AbortSignal.any([deadline, this.#ended.signal]),
        headers: {
          'content-type': 'application/json', 'outcry-delivery': String(delivery),
          ...(secret === '' ? {} : { 'outcry-signature': signature(secret, body) }),
        },
      });
      // Whatever it says, nobody reads it.
      await response.body?.cancel();
      const { ok, status } = response;
      if (ok) return { kind: 'sent', why: '' };
      const isLater = status >= 500 || LATER_STATUSES.has(status);
      return { kind: isLater ? 'later' : 'refused', why: `expected a status of 200 to 299, was ${status}` };
    } catch (error) {
      return { kind: 'later', why: deadline.aborted ? `expected an answer within ${timeoutMs} ms, was none` : causeOf(error) };
    }
  }

  /** Half of it, and a random part of the other half. */
  async #pause(attempt: number): Promise<void> {
    const { random = Math.random, wait = waitFor } = this.#options;
    const ms = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** attempt);
    await wait(ms / 2 + (ms / 2) * random(), this.#ended.signal);
  }
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  // Broken off is waited for long enough.
  await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
}

/** "t=<seconds>,v1=<hex>": whoever knows the secret can tell that the body is ours, and how old it is. */
export function signature(secret: string, body: string, seconds: number = Math.trunc(Date.now() / 1_000)): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? 'the webhook';
}

/** Of what fetch throws, the reason: a code such as ECONNREFUSED; its message could repeat the address. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : null;
  return `expected a connection, was ${cause?.code ?? 'refused'}`;
}
