// A snapshot of an exchange, made beside it from what its journal holds: the newest snapshot, and every
// record behind it up to one that is known to be safe, executed once more. So the exchange itself never
// stops for a snapshot, and every snapshot is a replay that has been compared with the hashes.
//
//   snapshot n − 1 ─► replay ─► state after record `through` ─► snapshot n ─► older ones pruned
//                                                                        └─► segments, if so agreed
//
// Cost: what a restart costs, in time and memory, on another thread.
import { listSnapshots, pruneSegments, pruneSnapshots, writeSnapshot } from '../journal/snapshot.ts';
import type { Storage } from '../journal/storage.ts';
import type { ExchangeConfig } from './config.ts';
import { Exchange } from './exchange.ts';

export interface SnapshotPolicy {
  /** Whole snapshots that stay, the newest ones. */
  readonly keep: number;
  /** Segments that no snapshot needs are removed: the journal's beginning is gone then. */
  readonly removeSegments: boolean;
}

export interface SnapshotMade {
  readonly sequence: number;
  /** Of all events so far, as the journal's records of type StateHash have it. */
  readonly hash: bigint;
  readonly bytes: number;
  /** What was wrong with older snapshots. */
  readonly alarms: readonly string[];
}

/** `through`: a sequence that is durable. The storage may be written to meanwhile, by its journal alone. */
export async function makeSnapshot(
  storage: Storage,
  config: ExchangeConfig,
  through: number,
  policy: SnapshotPolicy,
): Promise<SnapshotMade> {
  const exchange = await Exchange.replica(config, { storage, throughSequence: through });
  const alarms = exchange.recovered?.alarms ?? [];
  return { ...storeSnapshot(storage, exchange, through, policy), alarms };
}

/** Writes the state of an exchange that stands behind record `sequence`. */
export function storeSnapshot(
  storage: Storage,
  exchange: Exchange,
  sequence: number,
  policy: SnapshotPolicy,
): SnapshotMade {
  const content = exchange.saveState();
  const hash = exchange.eventHash;
  const info = { sequence, timeNs: 0, stateHash: hash, configurationHash: 0n, clusterId: 0n };
  writeSnapshot(storage, info, content);
  pruneSnapshots(storage, policy.keep);
  // The oldest that stays must still be good for a replay.
  const oldest = listSnapshots(storage).at(-1) ?? sequence;
  if (policy.removeSegments) pruneSegments(storage, oldest);
  return { sequence, hash, bytes: content.length, alarms: [] };
}
