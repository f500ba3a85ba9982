// SPDX-License-Identifier: Apache-2.0
/**
 * The inner port {@link io.freshet.objectstore.driver.StoreDriver} that every kind of store implements: one try per call,
 * no retries, no argument checks. No threads live here.
 */
@NullMarked
package io.freshet.objectstore.driver;

import org.jspecify.annotations.NullMarked;
