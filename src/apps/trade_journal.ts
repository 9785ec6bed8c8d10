// The directory of a trader's journal, opened for `outcry trade`.
import { FileStorage } from '../journal/file_storage.ts';
import { ClientJournal } from '../trader/client_journal.ts';
import type { ClientIdentity } from '../trader/client_journal.ts';

export interface OpenedJournal {
  readonly journal: ClientJournal;
  /** For people: what was there. */
  readonly found: string;
}

/** Makes the directory where it is not there; throws what keeps the journal from being used. */
export function openTradeJournal(
  directory: string, identity: ClientIdentity, newSession: boolean,
): OpenedJournal {
  const storage = new FileStorage(directory, { create: true });
  try {
    const journal = ClientJournal.open(storage, identity, { newSession });
    return { journal, found: foundText(journal, directory) };
  } catch (error) {
    storage.close();
    throw error;
  }
}

function foundText(journal: ClientJournal, directory: string): string {
  const cut = journal.cutBytes === 0 ? '' : `; a torn end of ${journal.cutBytes} bytes was cut`;
  if (journal.nextSequence === 0) return `journal begun in ${directory}${cut}`;
  const session = journal.session === '' ? 'a new session' : `session ${journal.session}`;
  return `journal in ${directory}: goes on with ${session} at response ${journal.nextSequence}${cut}`;
}
