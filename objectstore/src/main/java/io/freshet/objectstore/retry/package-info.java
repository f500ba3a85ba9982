// SPDX-License-Identifier: Apache-2.0
/**
 * Repetition of failed requests with back-off, and the settling of conditional puts whose answer was lost. First tries run
 * on the caller's thread, later ones on the scheduler's.
 */
@NullMarked
package io.freshet.objectstore.retry;

import org.jspecify.annotations.NullMarked;
