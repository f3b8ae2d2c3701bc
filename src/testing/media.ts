/** The content repository of a loopback homeserver, as strict as Synapse's: uploads with a length, downloads with a token. */

/** What Synapse takes when nobody says otherwise. */
export const DEFAULT_MAX_UPLOAD_BYTES: number = 50 * 2 ** 20;

/** A file in the content repository. */
export interface UploadedMedia {
  /** Its `mxc://` address. */
  readonly uri: string;
  /** The user id of whoever uploaded it. */
  readonly sender: string;
  /** The media type that it was uploaded with. */
  readonly type: string;
  /** The name that it was uploaded with. */
  readonly filename: string | undefined;
  /** What is in it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The content repository. */
export class MediaRepository {
  readonly maxUploadBytes: number;
  readonly #uploads = new Map<string, UploadedMedia>();

  constructor(maxUploadBytes: number = DEFAULT_MAX_UPLOAD_BYTES) {
    this.maxUploadBytes = maxUploadBytes;
  }

  /** All that was uploaded, in order. */
  get uploads(): readonly UploadedMedia[] {
    return [...this.#uploads.values()];
  }

  add(upload: UploadedMedia): void {
    this.#uploads.set(upload.uri, upload);
  }

  get(uri: string): UploadedMedia | undefined {
    return this.#uploads.get(uri);
  }
}
