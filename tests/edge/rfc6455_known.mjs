// rfc6455_known.mjs - what the gateway does otherwise than RFC 6455 asks, by name.  The suite asserts each as it is
// listed here; one that begins to pass the strict way must be taken off the list.  There are none.
// SPDX-License-Identifier: Apache-2.0

export const known = {};
