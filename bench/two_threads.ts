// What the thread that measures and the one beside it say to each other.

/** Words of the control block between two threads; Nap stays 0 and is report_control.ts's. */
export const Control = { State: 0, Records: 1, Sum: 2, Nap: 4, Words: 16 } as const;
/** Idle → Start (who measures) → Running → Idle (the other); Stop ends the other. */
export const State = { Idle: 0, Start: 1, Running: 2, Stop: 3 } as const;
