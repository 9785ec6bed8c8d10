// What is shown while nothing is open: what the server offers, a place to drop files on, a choice of files or of a folder.
import { useSignal } from '@preact/signals';
import type { TimeTravelSource } from '../../src/observe/dashboard/messages.ts';
import { bytes, span } from '../shared/format.ts';
import { failure, giveToken, needsToken, openFiles, openSource, phase, progress, sources } from './state.ts';
import type { GivenFile } from './protocol.ts';

const WANTED = /\.(?:journal|snapshot|csv)$/;

function openAll(files: readonly File[]): void {
  const wanted = files.filter(({ name }) => WANTED.test(name));
  const given: readonly GivenFile[] = (wanted.length > 0 ? wanted : files).map((file) => ({ name: file.name, content: file }));
  const folder = files[0]?.webkitRelativePath.split('/')[0] ?? '';
  openFiles(given, folder === '' ? (given[0]?.name ?? '') : folder);
}

/** Files of what was dropped, folders walked into. */
async function dropped(items: DataTransferItemList): Promise<File[]> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return (await Promise.all(entries.map(async (entry) => filesIn(entry)))).flat();
}

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  for (;;) {
    // A browser gives a hundred at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    for (const one of some) if (one.isFile) found.push(...(await filesIn(one)));
  }
}

export function Opening() {
  const isOver = useSignal(false);
  return (
    <main
      class={isOver.value ? 'opening over' : 'opening'}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => (isOver.value = false)}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        if (event.dataTransfer !== null) void dropped(event.dataTransfer.items).then(openAll);
      }}
    >
      <div class="opening-card">
        <h2>Open a day</h2>
        <p class="muted">A journal of an exchange, or a LOBSTER recording. It is run again here, in this browser, by the same core.</p>
        {failure.value !== '' && <p class="fault" role="alert">{failure.value}</p>}
        {phase.value === 'loading' ? <Progress /> : <Choices />}
      </div>
    </main>
  );
}

function Progress() {
  const { text, share } = progress.value;
  return (
    <div class="progress" role="progressbar" aria-valuenow={Math.round(share * 100)} aria-valuemin={0} aria-valuemax={100} aria-label={text}>
      <p>{text}</p>
      <i><b style={{ transform: `scaleX(${share.toFixed(3)})` }} /></i>
    </div>
  );
}

function Choices() {
  return (
    <>
      {needsToken.value && <TokenForm />}
      {sources.value.length > 0 && <ul class="sources">{sources.value.map((one) => <Source one={one} key={one.name} />)}</ul>}
      <div class="drop">
        <p>Drop segments, snapshots, a journal's folder, or LOBSTER files here</p>
        <div class="buttons">
          <label class="button">Choose files<input class="sr-only" id="files" type="file" multiple accept=".journal,.snapshot,.csv" onChange={({ currentTarget }) => openAll([...(currentTarget.files ?? [])])} /></label>
          <label class="button">Choose a folder<input class="sr-only" id="folder" type="file" multiple {...{ webkitdirectory: true }} onChange={({ currentTarget }) => openAll([...(currentTarget.files ?? [])])} /></label>
        </div>
        <p class="muted small">Files of your own stay in this browser: nothing is sent anywhere.</p>
      </div>
    </>
  );
}

function Source({ one }: { readonly one: TimeTravelSource }) {
  const size = one.files.reduce((sum, file) => sum + file.bytes, 0);
  return (
    <li>
      <button type="button" disabled={one.files.length === 0} data-source={one.name} onClick={() => openSource(one.name)}>
        <strong>{one.title}{one.live && <span class="chip good">live</span>}</strong>
        <span class="muted">
          {one.live ? 'its journal' : one.kind} · {one.files.length} {one.files.length === 1 ? 'file' : 'files'} · {bytes(size)}
          {one.changedMs !== null && ` · written ${span(Date.now() - one.changedMs)} ago`}
        </span>
      </button>
    </li>
  );
}

function TokenForm() {
  return (
    <form
      class="token" onSubmit={(event) => {
        event.preventDefault();
        giveToken(event.currentTarget.querySelector('input')!.value);
      }}
    >
      <p>Journals have everybody's orders: the server asks for its token.</p>
      <div class="buttons"><input type="password" aria-label="Token" autocomplete="off" /><button type="submit" class="primary">Go on</button></div>
    </form>
  );
}
