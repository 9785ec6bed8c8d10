// What the system refused a call with, in words: Node's own are "ENOENT: no such file or directory, open 'x'".

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** "no such file or directory (ENOENT)"; the message of what has words of its own as it is. */
export function systemReason(error: unknown): string {
  if (!isSystemError(error)) return error instanceof Error ? error.message : String(error);
  return reasonOf(error) ?? error.message;
}

/** "cannot open x: no such file or directory (ENOENT)"; the message of one that has words of its own as it is. */
export function systemErrorText(error: NodeJS.ErrnoException): string {
  const { message, syscall = '', path } = error;
  const reason = reasonOf(error);
  return reason === null ? message : `cannot ${syscall}${path === undefined ? '' : ` ${path}`}: ${reason}`;
}

/** null: it has words of its own. */
function reasonOf({ message, code = '', syscall = '' }: NodeJS.ErrnoException): string | null {
  const words = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : null;
  const end = words?.indexOf(`, ${syscall}`) ?? -1;
  return words === null || end < 0 ? null : `${words.slice(0, end)} (${code})`;
}
