// SPDX-License-Identifier: Apache-2.0
/**
 * Trouble on purpose, for tests and simulation: late, lost, refused and damaged requests, decided by a seed or a script. It
 * has no threads of its own.
 */
@NullMarked
package io.freshet.objectstore.fault;

import org.jspecify.annotations.NullMarked;
