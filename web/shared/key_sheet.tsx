// The sheet that tells the keys of a page.
import { useEffect, useRef } from 'preact/hooks';

export interface KeyRow {
  /** "…" between two of them is no key. */
  readonly keys: readonly string[];
  readonly does: string;
}

export function KeySheet({ rows, onClose }: { readonly rows: readonly KeyRow[]; readonly onClose: () => void }) {
  const place = useRef<HTMLDialogElement>(null);
  useEffect(() => place.current!.showModal(), []);
  return (
    <dialog ref={place} class="help" aria-labelledby="help-title" onClose={onClose}>
      <form method="dialog">
        <h2 id="help-title">Keys</h2>
        <dl>
          {rows.map(({ keys, does }) => (
            <div key={does}>
              <dt>{keys.map((key) => (key === '…' ? key : <kbd key={key}>{key}</kbd>))}</dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <footer><button type="submit" class="primary" autofocus>Close</button></footer>
      </form>
    </dialog>
  );
}
