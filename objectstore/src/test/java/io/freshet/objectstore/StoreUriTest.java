// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.objectstore.s3.S3Settings;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StoreUriTest {
    private final StoreFixture fixture = new StoreFixture();

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void s3Defaults() {
        S3Settings settings = ObjectStores.s3Settings(StoreUri.parse("s3://bucket"));
        assertThat(settings).isEqualTo(new S3Settings("bucket", "", null, null, false, false, 64, 10_000, 64 << 20, 4));
    }

    @Test
    void s3WithEveryParameter() {
        S3Settings settings =
                ObjectStores.s3Settings(StoreUri.parse("S3://my.bucket/?endpoint=http%3A%2F%2Flocalhost%3A9000"
                        + "&region=eu-central-1&pathStyle=true&prefix=a/b/&checksum=when_supported&maxConcurrency=7"
                        + "&attemptTimeoutMs=500&partSizeMiB=8&partConcurrency=2&maxAttempts=3"));
        assertThat(settings)
                .isEqualTo(new S3Settings(
                        "my.bucket",
                        "a/b/",
                        java.net.URI.create("http://localhost:9000"),
                        "eu-central-1",
                        true,
                        true,
                        7,
                        500,
                        8 << 20,
                        2));
    }

    @Test
    void filePaths() {
        assertThat(ObjectStores.fileSettings(StoreUri.parse("file:///srv/data")).root())
                .isEqualTo(Path.of("/srv/data"));
        assertThat(ObjectStores.fileSettings(StoreUri.parse("file://data/objects?threads=3"))
                        .root())
                .isEqualTo(Path.of("data/objects"));
        assertThat(ObjectStores.fileSettings(StoreUri.parse("file:/srv/data?threads=3"))
                        .threads())
                .isEqualTo(3);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "fil:///x | did you mean 'file'",
                "s4://bucket | did you mean 's3'",
                "nonsense | unknown scheme",
                "s3://b?endpiont=http://x | did you mean 'endpoint'",
                "s3://b?pathstyle=true | did you mean 'pathStyle'",
                "s3://b?pathStyle=yes | give true or false",
                "s3://b?checksum=when_require | did you mean 'when_required'",
                "s3://b?maxConcurrency=0 | from 1 to 10000",
                "s3://b?maxConcurrency=many | from 1 to 10000",
                "s3://b?endpoint=localhost:9000 | http://host:port",
                "s3://b?prefix=../up | '..' part",
                "s3://b?region=a&region=b | given twice",
                "s3://b?region=%zz | broken %-escape",
                "s3://b/path | prefix=",
                "s3:// | names the bucket ''",
                "file:// | names no directory",
                "file:///x?region=a | unknown for file",
                "memory:x?threads=1 | unknown for memory",
                "memory:x?maxAttempts=0 | from 1 to 100",
            })
    void badUrisAreInvalidAndSayWhatIsRight(String uri, String expected) {
        assertThatThrownBy(() -> fixture.open(uri))
                .hasMessageContaining(expected)
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
    }

    @ParameterizedTest
    @CsvSource({"s3://b?accessKey=hush", "s3://b?secret_key=hush", "s3://b?sessionToken=hush", "s3://key:hush@b"})
    void secretsInUrisAreRefusedWithoutRepeatingThem(String uri) {
        assertThatThrownBy(() -> fixture.open(uri))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining("AWS_ACCESS_KEY_ID")
                .hasMessageNotContaining("hush");
    }
}
