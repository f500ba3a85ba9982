// SPDX-License-Identifier: Apache-2.0
/**
 * From a parsed request to its handler. {@link io.freshet.broker.api.ApiRouter} knows every API that this broker serves and
 * in which versions; what it tells clients in ApiVersions is exactly that. Handlers run on the connection's event loop
 * and answer through {@link io.freshet.broker.api.Replies}, at once or later from any thread.
 */
@NullMarked
package io.freshet.broker.api;

import org.jspecify.annotations.NullMarked;
