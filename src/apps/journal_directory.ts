// A directory that somebody says has a journal.
import { FileStorage } from '../journal/file_storage.ts';
import { segmentNumberOf } from '../journal/segment.ts';
import { listSnapshots } from '../journal/snapshot.ts';

/** Its files; throws where there is nothing of a journal, so that a name that is wrong is no journal that is whole. */
export function journalIn(directory: string): FileStorage {
  const storage = new FileStorage(directory);
  if (listSnapshots(storage).length > 0 || storage.list().some((name) => segmentNumberOf(name) !== null)) return storage;
  throw new Error(`no journal in ${directory}: expected files segment-….journal, as outcry exchange --journal writes them`);
}
