// An error with an exit code of its own, for what a script that starts programs must tell apart.

/** The journal cannot be used, or has failed: see docs/OPERATING.md. */
export const EXIT_JOURNAL = 3;

export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
