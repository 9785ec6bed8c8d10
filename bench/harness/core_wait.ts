// How long threads that should have a core each had to wait for it: time in which somebody else's process ran there, as the
// scheduler counts it (/proc/…/schedstat). It says of a measurement whether it was of what it is about. What a thread does itself, and
// what an interrupt takes, is not in it; nor is what the host of a virtual machine takes.
import { readFileSync } from 'node:fs';

export class CoreWait {
  readonly #paths: readonly string[];
  #beforeNs = 0;

  /** Of the main threads of these processes. */
  constructor(pids: readonly number[]) {
    this.#paths = pids.map((pid) => `/proc/${pid}/schedstat`);
  }

  begin(): void {
    this.#beforeNs = this.#totalNs();
  }

  /** Of all of them since `begin`, ns; 0 where the system does not tell. */
  get ns(): number {
    return this.#totalNs() - this.#beforeNs;
  }

  #totalNs(): number {
    try {
      return this.#paths.reduce((totalNs, path) => totalNs + Number(readFileSync(path, 'latin1').split(' ')[1]), 0);
    } catch {
      return 0;
    }
  }
}
