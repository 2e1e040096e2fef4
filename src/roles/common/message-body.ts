export { encodeMessages, parseMessages } from '../../wire/messages.ts';
