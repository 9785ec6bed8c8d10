// What the system refused a call with, in words: Node's own are "ENOENT: no such file or directory, open 'x'".

export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** "cannot open x: no such file or directory (ENOENT)"; the message of one that has words of its own as it is. */
export function systemErrorText({ message, code = '', syscall = '', path }: NodeJS.ErrnoException): string {
  const words = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : null;
  const end = words?.indexOf(`, ${syscall}`) ?? -1;
  if (words === null || end < 0) return message;
  return `cannot ${syscall}${path === undefined ? '' : ` ${path}`}: ${words.slice(0, end)} (${code})`;
}
