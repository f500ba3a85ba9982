// SPDX-License-Identifier: Apache-2.0
/** What {@code freshet broker} asks of a running cluster, as any Kafka admin client could. Blocks; used by one thread. */
@NullMarked
package io.freshet.broker.cli.cluster;

import org.jspecify.annotations.NullMarked;
