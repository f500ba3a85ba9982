// SPDX-License-Identifier: Apache-2.0
/** The server's configuration: Kafka's own keys, a few of ours, and the checks that stop a start with a useful message. */
@NullMarked
package io.freshet.broker.config;

import org.jspecify.annotations.NullMarked;
