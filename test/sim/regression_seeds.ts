// Seeds that once broke something, each with what it was. They are run on every test run, for ever; a plan
// may have become another since, so what was found has a test of its own beside the code as well.

export interface RegressionSeed {
  readonly seed: number;
  /** What it showed. */
  readonly story: string;
}

export const REGRESSION_SEEDS: readonly RegressionSeed[] = [
  {
    seed: 5,
    story:
      'the machine of the exchange lost power, the room of the connection was used up, and a trader called its turns ' +
      'in which nothing could be sent work: it never slept (order_entry.test.ts)',
  },
  { seed: 11, story: 'a write that landed elsewhere, unseen until the journal was executed once more' },
  { seed: 18, story: 'on loopback without passwords a client that names itself is whoever it names' },
  { seed: 34, story: 'without heartbeats a connection whose other end has gone without a word is waited on for ever' },
  { seed: 89, story: 'the last batch, written elsewhere, is missing from the journal and no record says so' },
  { seed: 104, story: 'several bits turned over before the journal was looked at' },
  { seed: 224, story: 'what follows a stalled message on its way is as late, and no slow exchange' },
  { seed: 542, story: 'on framings without heartbeats nobody but TCP says that the other end has gone' },
  { seed: 268, story: 'the same, on a session with a log-in' },
  { seed: 391, story: 'a write landed before a snapshot: the state is right, and the journal from its first record is not' },
  { seed: 667, story: 'a connection was closed under a client that nobody told, and its request to end all orders went nowhere' },
  { seed: 676, story: 'zeros of a recovery landed on good records, which then had never been' },
  { seed: 941, story: 'a flipped bit was turned back where the recovery had cut the record meanwhile' },
  { seed: 1337, story: 'a full stream had room again, and whoever waited for it slept on' },
  { seed: 3284, story: 'a trader had stopped without a session, and the cancel of an order that never arrived was on its way' },
  { seed: 2017, story: 'answers through a stream of 95 bytes take a round trip for every two' },
  { seed: 1509, story: 'a trader had stopped while its exchange was away, and had not heard of its last cancel' },
  { seed: 4358, story: 'behind 187 orders sent again through a stream of 157 bytes the next one waits its turn' },
  { seed: 5480, story: 'a stream that had been cut went on behind a hole before its reset arrived' },
  {
    seed: 2502,
    story:
      'a client of a kept session was on a bare connection when the exchange died: what it was told after the restart was ' +
      'not kept, and no replay fitted the journal any more (crash.test.ts)',
  },
];
