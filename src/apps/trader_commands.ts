// What can be said to a running trader: for its control channel (trader_control.ts), and for those who speak to it.
import { type OperatorCommand, Subject } from '../exchange/operator.ts';

export const TRADER_COMMANDS: Readonly<Record<string, OperatorCommand>> = {
  pause: { subject: Subject.Client, mayAll: false, help: 'a trader withdraws its quotes and sends nothing more' },
  resume: { subject: Subject.Client, mayAll: false, help: 'it goes on' },
  stop: { subject: Subject.Client, mayAll: false, help: 'it cancels its orders and ends' },
  limits: {
    subject: Subject.Client, mayAll: false, help: "a trader's limits: shown, or changed from its next order on",
    numbers: {
      maxOrderQty: 'quantity of one order at most',
      maxPosition: 'position of a ticker at most, either way',
      maxLoss: 'loss of a ticker at most, in price units (cents)',
    },
  },
};
