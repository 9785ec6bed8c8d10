// Commands to the running system: asked for by a button or a key, confirmed by the reader, sent with the token, answered.
// The token is kept for this tab only (sessionStorage). It may come in the address (#token=…), from which it is removed.
import { signal } from '@preact/signals';
import type { CommandAnswer, CommandRequest } from '../../src/observe/dashboard/messages.ts';

const KEY = 'outcry.token';

/** What is to be confirmed. */
export interface Intent {
  /** "Kill everything". */
  readonly title: string;
  /** What will be another value than now. */
  readonly changes?: readonly { readonly name: string; readonly from: string; readonly to: string }[];
  /** What will happen, a sentence each. */
  readonly effects: readonly string[];
  /** The word of the button that does it. */
  readonly verb: string;
  readonly danger: boolean;
  /** Sent in this order; the first that fails ends it. */
  readonly requests: readonly CommandRequest[];
  /** The reader does not want it after all. */
  readonly onCancel?: () => void;
  /** Told why a request failed, in place of a notice. */
  readonly onFailed?: (text: string) => void;
}

export interface Notice {
  readonly id: number;
  readonly ok: boolean;
  readonly text: string;
}

export const intent = signal<Intent | null>(null);
export const notices = signal<readonly Notice[]>([]);
export const token = signal('');
/** Why the server did not take the token that was sent; '': it was not refused. */
export const tokenRefused = signal('');

/** Good news goes by itself; bad news waits for the reader. */
const NOTICE_MS = 6_000;
const NOTICES_MAX = 4;
let noticeId = 0;

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function notify(ok: boolean, text: string): void {
  const id = ++noticeId;
  notices.value = [...notices.value.slice(-(NOTICES_MAX - 1)), { id, ok, text }];
  if (ok) setTimeout(() => dismiss(id), NOTICE_MS);
}

/** The token that this tab has, or the one in the address, which is cleared of it. */
export function readToken(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get('token');
  if (given !== null) {
    history.replaceState(null, '', location.pathname + location.search);
    keepToken(given);
    return;
  }
  try {
    token.value = sessionStorage.getItem(KEY) ?? '';
  } catch {
    // A browser that keeps nothing: the reader is asked.
  }
}

export function keepToken(given: string): void {
  token.value = given.trim();
  tokenRefused.value = '';
  try {
    sessionStorage.setItem(KEY, token.value);
  } catch {
    // As above: it holds until the page is closed.
  }
}

export function forgetToken(): void {
  keepToken('');
}

/** No token, or a wrong one. */
const HTTP_TOKEN_REFUSED = 403;

/** "wrong-token" apart from other failures: then the reader is asked again. */
type Outcome = { readonly kind: 'done' | 'failed' | 'wrong-token'; readonly text: string };

async function send(request: CommandRequest): Promise<Outcome> {
  let response: Response;
  try {
    response = await fetch('/api/commands', {
      method: 'POST',
      headers: { authorization: `Bearer ${token.value}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
  } catch {
    return { kind: 'failed', text: 'The server was not reached; nothing was sent.' };
  }
  const answer = (await response.json().catch(() => ({}))) as Partial<CommandAnswer> & { error?: string };
  const text = answer.text ?? answer.error ?? `HTTP ${response.status}`;
  if (response.status === HTTP_TOKEN_REFUSED) return { kind: 'wrong-token', text };
  return { kind: response.ok && answer.ok === true ? 'done' : 'failed', text };
}

/** Sends what was confirmed; true: all done or told why not, false: the token was not taken and is asked for again. */
export async function carryOut({ requests, onFailed }: Intent): Promise<boolean> {
  for (const request of requests) {
    const { kind, text } = await send(request);
    if (kind === 'wrong-token') {
      forgetToken();
      tokenRefused.value = text;
      return false;
    }
    if (kind === 'failed' && onFailed !== undefined) onFailed(text);
    else notify(kind === 'done', text);
    if (kind === 'failed') return true;
  }
  return true;
}
