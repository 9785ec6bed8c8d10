// What an exchange says while it runs: the sites of its log (src/observe/log/), written from inside its turns without waiting.
import type { LogSite } from '../observe/log/log_layout.ts';

export const EXCHANGE_SITES: readonly LogSite[] = [
  { name: 'login', level: 'info', text: 'client {client} logged in from {peer:text}' },
  { name: 'end', level: 'info', text: 'client {client} {what:text}' },
  { name: 'unknown_end', level: 'info', text: '{what:text}' },
  { name: 'operator', level: 'warn', text: 'operator {what:text}' },
];
export const ExchangeSite = { Login: 0, End: 1, UnknownEnd: 2, Operator: 3 } as const;
