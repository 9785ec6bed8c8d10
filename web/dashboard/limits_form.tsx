// The form of a trader's limits: what holds now beside what shall hold. Its button leads to the same question as every other
// command (confirm.tsx), old and new beside each other; back from there, or refused by the trader, what was typed is still here.
import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { TraderView } from '../../src/observe/system_view.ts';
import { intent } from './commands.ts';
import { forLimits, nameOf } from './intents.ts';
import { changesOf, decimalsOf, draftOf, faultsOf, LIMIT_FIELDS, limitText, typedNumber, type Draft, type LimitName } from './limits.ts';
import { state } from './state.ts';

interface Asked {
  readonly client: number;
  /** Typed before. */
  readonly draft: Draft;
  /** Why the trader did not take it; '': it was not refused. */
  readonly refused: string;
}

const asked = signal<Asked | null>(null);

/** Those whose limits can be set from here. */
function limited(): TraderView[] {
  return state.traders.value.filter(({ limits }) => limits !== null);
}

export function askLimits(trader: TraderView | undefined = limited()[0]): void {
  if (state.hello.value?.commands !== true || trader?.limits == null) return;
  asked.value = { client: trader.client, draft: draftOf(trader.limits), refused: '' };
}

interface FieldProps {
  readonly field: (typeof LIMIT_FIELDS)[number];
  readonly now: number;
  readonly text: string;
  readonly fault: string | undefined;
  readonly decimals: number | null;
  readonly onInput: (name: LimitName, text: string) => void;
}

function Field({ field: { name, label, about }, now, text, fault, decimals, onInput }: FieldProps) {
  const typed = typedNumber(text);
  const money = name === 'maxLoss' && decimals !== null && fault === undefined ? limitText(name, typed, decimals) : '';
  return (
    <label class="limit-field" data-limit={name}>
      <span>{label} <small class="muted">{about}</small></span>
      <input
        name={name} inputMode="numeric" autocomplete="off" value={text} aria-invalid={fault !== undefined} autofocus={name === LIMIT_FIELDS[0].name}
        aria-describedby={`${name}-now ${name}-fault`} onInput={({ currentTarget }) => onInput(name, currentTarget.value)}
      />
      <small class="muted" id={`${name}-now`}>now {limitText(name, now, decimals)}{money !== '' && typed !== now && `, then ${money}`}</small>
      <small class="bad" id={`${name}-fault`} role="alert">{fault}</small>
    </label>
  );
}

function Fields({ trader, draft, refused }: { readonly trader: TraderView; readonly draft: Draft; readonly refused: string }) {
  const typed = useSignal(draft);
  const limits = trader.limits!;
  const faults = faultsOf(typed.value);
  const changes = changesOf(limits, typed.value);
  const decimals = decimalsOf(trader, state.instruments.value);
  const nothing = Object.keys(changes).length === 0;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const kept = { client: trader.client, draft: typed.value };
    asked.value = null;
    intent.value = {
      ...forLimits(trader, changes, decimals),
      onCancel: () => (asked.value = { ...kept, refused: '' }),
      onFailed: (text) => (asked.value = { ...kept, refused: text }),
    };
  };
  const onInput = (name: LimitName, text: string): void => {
    typed.value = { ...typed.value, [name]: text };
  };
  return (
    <form onSubmit={submit}>
      {refused !== '' && <p class="bad" role="alert">Not taken: {refused}</p>}
      {LIMIT_FIELDS.map((field) => (
        <Field key={field.name} field={field} now={limits[field.name]} text={typed.value[field.name]} fault={faults[field.name]} decimals={decimals} onInput={onInput} />
      ))}
      <footer>
        <button type="button" onClick={() => (asked.value = null)}>Cancel</button>
        <button type="submit" class="primary" disabled={nothing || Object.keys(faults).length > 0}>{nothing ? 'Nothing changed' : 'Review'}</button>
      </footer>
    </form>
  );
}

function Dialog({ client, draft, refused }: Asked) {
  const place = useRef<HTMLDialogElement>(null);
  useEffect(() => place.current!.showModal(), []);
  const traders = limited();
  const trader = traders.find((each) => each.client === client);
  return (
    <dialog ref={place} class="limits" aria-labelledby="limits-title" onClose={() => (asked.value = null)}>
      <h2 id="limits-title">Limits of {trader === undefined ? `client ${client}` : nameOf(trader)}</h2>
      {traders.length > 1 && (
        <select aria-label="Trader" value={String(client)} onChange={({ currentTarget }) => askLimits(traders.find((each) => String(each.client) === currentTarget.value))}>
          {traders.map((each) => <option key={each.client} value={String(each.client)}>{nameOf(each)}</option>)}
        </select>
      )}
      <p class="muted">Its own checks look at each order before it is sent. Each limit is of one instrument.</p>
      {trader === undefined
        ? <form method="dialog"><p class="bad" role="alert">This trader has ended.</p><footer><button type="submit" autofocus>Close</button></footer></form>
        : <Fields key={client} trader={trader} draft={draft} refused={refused} />}
    </dialog>
  );
}

export function LimitsForm() {
  return asked.value === null ? null : <Dialog {...asked.value} />;
}
