// SPDX-License-Identifier: Apache-2.0
/**
 * Real Java clients that write unique values, read them back in every way, crash, and write down all of it as a history for
 * {@link io.freshet.tests.checker}. {@link io.freshet.tests.workload.Workload} first. A thread for each client.
 */
@NullMarked
package io.freshet.tests.workload;

import org.jspecify.annotations.NullMarked;
