// Before a command is sent: what will happen, and the token where this tab has none. Then the answers, as notices.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { carryOut, dismiss, intent, keepToken, notices, token, tokenRefused, type Intent } from './commands.ts';

function TokenField({ text, onInput }: { readonly text: string; readonly onInput: (text: string) => void }) {
  const refused = tokenRefused.value;
  return (
    <label class="token-field">
      <span>Token <span class="muted">as the dashboard printed it when it started; kept in this tab only</span></span>
      <input
        type="password" name="token" autocomplete="off" spellcheck={false} required value={text} autofocus
        aria-invalid={refused !== ''} aria-describedby={refused !== '' ? 'token-refused' : undefined} onInput={(event) => onInput(event.currentTarget.value)}
      />
      {refused !== '' && <span class="bad" id="token-refused" role="alert">Not taken: {refused}</span>}
    </label>
  );
}

function Changes({ changes }: { readonly changes: NonNullable<Intent['changes']> }) {
  return (
    <dl class="changes">
      {changes.map(({ name, from, to }) => (
        <div key={name}><dt>{name}</dt><dd><span class="muted">{from}</span> <span aria-label="becomes">→</span> <b>{to}</b></dd></div>
      ))}
    </dl>
  );
}

function Dialog({ asked }: { readonly asked: Intent }) {
  const place = useRef<HTMLDialogElement>(null);
  const typed = useSignal('');
  const sending = useSignal(false);
  const needsToken = token.value === '';
  useEffect(() => place.current!.showModal(), []);
  const close = (): void => {
    tokenRefused.value = '';
    intent.value = null;
  };
  const cancel = (): void => {
    close();
    asked.onCancel?.();
  };
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (sending.value) return;
    if (needsToken) keepToken(typed.value);
    typed.value = '';
    sending.value = true;
    const over = await carryOut(asked);
    sending.value = false;
    if (over) close();
  };
  return (
    <dialog ref={place} class="confirm" aria-labelledby="confirm-title" onCancel={(event) => event.preventDefault()} onKeyDown={(event) => event.key === 'Escape' && cancel()}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="confirm-title">{asked.title}?</h2>
        {asked.changes !== undefined && <Changes changes={asked.changes} />}
        <ul>{asked.effects.map((effect) => <li key={effect}>{effect}</li>)}</ul>
        {needsToken && <TokenField text={typed.value} onInput={(text) => (typed.value = text)} />}
        <footer>
          <button type="button" onClick={cancel}>{asked.onCancel === undefined ? 'Cancel' : 'Back'}</button>
          <button type="submit" class={asked.danger ? 'danger' : 'primary'} disabled={sending.value} autofocus={!needsToken}>
            {sending.value ? 'Sent …' : asked.verb}
          </button>
        </footer>
      </form>
    </dialog>
  );
}

export function Confirm() {
  const asked = intent.value;
  return asked === null ? null : <Dialog key={asked.title} asked={asked} />;
}

export function Notices() {
  return (
    <div class="notices" aria-live="assertive">
      {notices.value.map(({ id, ok, text }) => (
        <div key={id} class={`notice ${ok ? 'good' : 'bad'}`} role={ok ? 'status' : 'alert'}>
          <span aria-hidden="true">{ok ? '✓' : '✕'}</span>
          <p>{text}</p>
          <button type="button" aria-label="Dismiss" onClick={() => dismiss(id)}>✕</button>
        </div>
      ))}
    </div>
  );
}
