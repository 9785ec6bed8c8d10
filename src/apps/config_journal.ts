// The configuration of an exchange's journal: `[journal]`. Without a directory nothing is journaled.
import { HASH_INTERVAL_DEFAULT, JOURNAL_RING_BYTES_MIN } from '../exchange/journal_stage.ts';
import { JournalMode, RING_BYTES_DEFAULT } from '../journal/journal_queue.ts';
import { SEGMENT_BYTES_DEFAULT } from '../journal/segment.ts';
import { byteCount, oneOf, switched, text, wholeNumber } from './config_forms.ts';
import { type Contradict, type Section, setting, type ValuesOf } from './settings.ts';

const KIB = 1 << 10;
const GIB = 2 ** 30;
const SECTOR_BYTES = 512;
/** A batch of 8,192 commands, and more than any configuration needs. */
const SEGMENT_BYTES_MIN = 512 * KIB;
/** Of commands: some ten seconds at 100,000 a second, and a second to execute again. */
const SNAPSHOT_INTERVAL_DEFAULT = 1_000_000;

const JOURNAL_SCHEMA = {
  directory: setting(text(/^[^\0]*$/, 'a directory'), '', {
    value: 'directory',
    flag: 'journal',
    description: 'every input is written here before it is executed; none: nothing survives',
    defaultText: 'none',
  }),
  durability: setting(oneOf(Object.values(JournalMode)), JournalMode.Durable, {
    value: 'mode',
    description:
      'durable: acknowledged after a sync; async-unsafe: after a write, which power loss takes back',
  }),
  segmentBytes: setting(byteCount(SEGMENT_BYTES_MIN, GIB), SEGMENT_BYTES_DEFAULT, {
    value: 'bytes',
    flag: 'journal-segment-bytes',
    description: 'of a file of the journal, written with zeros ahead',
  }),
  queueBytes: setting(byteCount(JOURNAL_RING_BYTES_MIN, GIB), RING_BYTES_DEFAULT, {
    value: 'bytes',
    flag: 'journal-queue-bytes',
    description: 'what waits for the disk, a power of two; with half of it used nobody is read',
  }),
  hashInterval: setting(wholeNumber(1, 1e9), HASH_INTERVAL_DEFAULT, {
    value: 'commands',
    flag: 'journal-hash-interval',
    description: 'commands between two hashes of what the engine said',
  }),
  snapshotInterval: setting(wholeNumber(0, 1e12), SNAPSHOT_INTERVAL_DEFAULT, {
    value: 'commands',
    flag: 'journal-snapshot-interval',
    description: 'commands between two snapshots, made beside the exchange; 0: only at the end',
  }),
  snapshotsKept: setting(wholeNumber(1, 1_000), 2, {
    value: 'number',
    flag: 'journal-snapshots-kept',
    description: 'snapshots that stay, the newest',
  }),
  removeSegments: setting(switched, false, {
    flag: 'journal-remove-segments',
    description: 'remove files that no snapshot needs: the beginning of the journal is gone then',
  }),
};

export const JOURNAL_SECTION: Section<typeof JOURNAL_SCHEMA> = {
  name: 'journal',
  about: 'nothing that was acknowledged is lost',
  schema: JOURNAL_SCHEMA,
};

export type JournalConfig = ValuesOf<typeof JOURNAL_SCHEMA>;

export function checkJournal(config: JournalConfig, contradict: Contradict): void {
  const { segmentBytes, queueBytes } = config;
  if (segmentBytes % SECTOR_BYTES !== 0) {
    contradict(
      'journal.segment_bytes',
      `expected a multiple of ${SECTOR_BYTES}, was ${segmentBytes}`,
    );
  }
  if (!Number.isInteger(Math.log2(queueBytes)))
    contradict('journal.queue_bytes', `expected a power of two, was ${queueBytes}`);
}
