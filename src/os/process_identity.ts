// Which process it is, so that another one can tell whether it still lives.
//
// A process number is used again after its process has died; number and start time together are not. The start
// time stands in /proc/PID/stat, field 22, in clock ticks since the machine was started (proc(5)). It is kept
// modulo 2^32: at 100 ticks a second it comes round after 497 days.
// Cost: some 20 µs a look, and it allocates: for set-up and timers. Linux only.
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** As an int32. */
  readonly startTicks: number;
}

/** Fields behind the command's closing bracket, from 0: the state, and when it was started. */
const STATE_FIELD = 0;
const START_FIELD = 19;

/** Of this process. */
export function ownIdentity(): ProcessIdentity {
  const fields = statFields(process.pid);
  if (typeof fields === 'string') throw new Error(`/proc/${process.pid}/stat: expected a file to read, was ${fields}`);
  return { pid: process.pid, startTicks: startTicks(fields) };
}

/** False when that process has ended, though its number may be in use again or nobody has waited for it yet. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (!Number.isInteger(identity.pid) || identity.pid <= 0) return false;
  const fields = statFields(identity.pid);
  // What cannot be looked at, for another reason than its absence, may well live.
  if (typeof fields === 'string') return fields !== 'ENOENT' && fields !== 'ESRCH';
  const state = fields[STATE_FIELD];
  return state !== 'Z' && state !== 'X' && startTicks(fields) === identity.startTicks;
}

/** The fields from the state on, or the error's code. */
function statFields(pid: number): string[] | string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command may hold anything, brackets and spaces included.
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'UNKNOWN';
  }
}

function startTicks(fields: readonly string[]): number {
  return Number(fields[START_FIELD]) | 0;
}
