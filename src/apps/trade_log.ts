// What a trader says amid its turns: the sites of its log (src/observe/log/), written without waiting.
import type { LogSite } from '../observe/log/log_layout.ts';
import type { Logger } from '../observe/log/logger.ts';
import { SESSION_STATE_TEXT } from '../trader/order_session.ts';
import type { TraderListener } from '../trader/trader.ts';

export const TRADE_SITES: readonly LogSite[] = [
  { name: 'session', level: 'warn', text: '{what:text}' },
  { name: 'fill', level: 'debug', text: 'order {order}: {qty} filled at {price} ticks, book {book}, side {side}' },
];
const TradeSite = { Session: 0, Fill: 1 } as const;

/** `shown`: the session's troubles stand on a screen, so the log has them only where it does not share the terminal. */
export function tradeSaying(logger: Logger, listener: TraderListener, shown: boolean): TraderListener {
  return {
    onFill: (book, orderId, side, priceTicks, qty) => {
      logger.say6(TradeSite.Fill, orderId, qty, priceTicks, book, side, 0);
      listener.onFill?.(book, orderId, side, priceTicks, qty);
    },
    onSession: (state, reason) => {
      if (reason !== '' && !shown) logger.sayText(TradeSite.Session, 0, `${SESSION_STATE_TEXT[state]}: ${reason}`);
      listener.onSession?.(state, reason);
    },
  };
}
