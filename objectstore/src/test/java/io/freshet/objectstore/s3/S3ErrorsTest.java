// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.services.s3.model.S3Exception;

class S3ErrorsTest {
    @Test
    void aWrongClockIsRetriedAndNamed() {
        FreshetException error = of(403, "RequestTimeTooSkewed");
        assertThat(error.kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        assertThat(error).hasMessageContaining("set this machine's clock");
    }

    @Test
    void refusedCredentialsAreFinal() {
        FreshetException error = of(403, "SignatureDoesNotMatch");
        assertThat(error.kind()).isEqualTo(ErrorKind.DENIED);
        assertThat(error).hasMessageContaining("check the credentials");
    }

    private static FreshetException of(int status, String code) {
        AwsErrorDetails details = AwsErrorDetails.builder()
                .errorCode(code)
                .errorMessage("Forbidden")
                .serviceName("S3")
                .build();
        return S3Errors.of(
                "list",
                "a/",
                "s3://b",
                S3Exception.builder()
                        .statusCode(status)
                        .awsErrorDetails(details)
                        .build());
    }
}
