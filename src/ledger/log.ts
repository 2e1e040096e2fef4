/** Where the engine reports what it does beside answering; the caller decides on form and place. */
export type LedgerLog = (event: string, detail: Record<string, unknown>) => void;
