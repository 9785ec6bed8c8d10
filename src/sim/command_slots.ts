// Command slots of the engine as commands: what the journal holds, and what stands in the engine's memory
// before a batch is executed.
//
//   slot 32 bytes (src/book/types.ts, COMMAND) ─► Command; an extended new order takes two slots
//
// The naive engine takes commands as objects. Cost: an object a command.
import { Cmd, CmdFlag, COMMAND, COMMAND_EXTENSION, type Command, type State } from '../book/types.ts';

/** The commands of a batch, in order. */
export function commandsIn(bytes: Uint8Array): Command[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const commands: Command[] = [];
  for (let at = 0; at + COMMAND.size <= bytes.length; ) {
    const command = commandAt(view, at);
    commands.push(command);
    at += command.owner === undefined ? COMMAND.size : 2 * COMMAND.size;
  }
  return commands;
}

function commandAt(view: DataView, at: number): Command {
  const type = view.getUint8(at + COMMAND.type) as Cmd;
  const second = view.getUint8(at + COMMAND.orderType);
  const flags = view.getUint8(at + COMMAND.flags);
  const extended = type === Cmd.New && (flags & CmdFlag.Extended) !== 0;
  const command: Command = {
    type,
    book: view.getUint16(at + COMMAND.book, true),
    client: view.getUint32(at + COMMAND.client, true),
    id: view.getBigUint64(at + COMMAND.id, true),
    side: view.getInt8(at + COMMAND.side),
    orderType: second,
    tif: view.getUint8(at + COMMAND.tif),
    stp: view.getUint8(at + COMMAND.stp),
    price: view.getInt32(at + COMMAND.price, true),
    qty: view.getUint32(at + COMMAND.qty, true),
    postOnly: (flags & CmdFlag.PostOnly) !== 0,
    chain: (flags & CmdFlag.Chain) !== 0,
    state: second as State,
    op: second as Cmd,
    reason: view.getUint32(at + COMMAND.reason, true) as NonNullable<Command['reason']>,
  };
  if (!extended) return command;
  const next = at + COMMAND.size;
  command.display = view.getUint32(next + COMMAND_EXTENSION.display, true);
  command.minQty = view.getUint32(next + COMMAND_EXTENSION.minQty, true);
  command.stopPrice = view.getInt32(next + COMMAND_EXTENSION.stopPrice, true);
  command.owner = view.getUint32(next + COMMAND_EXTENSION.owner, true);
  return command;
}
