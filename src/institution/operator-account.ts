/** The operator's account at the simulated bank, unless another is given: a test number of the Bundesbank's documentation. */
export const OPERATOR_ACCOUNT = 'DE02120300000000202051';
