// SPDX-License-Identifier: Apache-2.0
/**
 * The store in an S3-compatible bucket, by the AWS SDK's asynchronous client over Netty. Calls complete on the client's
 * event loops, which each {@link io.freshet.objectstore.s3.S3Driver} owns.
 */
@NullMarked
package io.freshet.objectstore.s3;

import org.jspecify.annotations.NullMarked;
