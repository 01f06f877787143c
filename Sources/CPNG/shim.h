#ifndef EMEND_CPNG_SHIM_H
#define EMEND_CPNG_SHIM_H

#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

// libpng reports errors by longjmp, which must not cross a Swift frame: these functions catch it,
// so that Swift sees a return value and a message. They hold every variable that lives across
// setjmp in a struct behind a pointer, whose contents longjmp leaves alone.

typedef struct emend_png_header {
    uint32_t width, height;
    int bit_depth, color_type;
    int has_transparency;
} emend_png_header;

typedef struct emend_png_reader {
    const uint8_t *data;
    size_t count, offset;
    png_structp png;
    png_infop info;
    char *message;
    size_t message_size;
} emend_png_reader;

enum { emend_png_side_limit = 65500 };

static inline void emend_png_on_error(png_structp png, png_const_charp text) {
    emend_png_reader *reader = (emend_png_reader *)png_get_error_ptr(png);
    strncpy(reader->message, text, reader->message_size - 1);
    reader->message[reader->message_size - 1] = 0;
    png_longjmp(png, 1);
}

static inline void emend_png_on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static inline void emend_png_on_read(png_structp png, png_bytep out, size_t count) {
    emend_png_reader *reader = (emend_png_reader *)png_get_io_ptr(png);
    if (count > reader->count - reader->offset) png_error(png, "the file is truncated");
    memcpy(out, reader->data + reader->offset, count);
    reader->offset += count;
}

static inline int emend_png_open(emend_png_reader *reader) {
    reader->png = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, reader, emend_png_on_error, emend_png_on_warning);
    if (!reader->png) return 0;
    reader->info = png_create_info_struct(reader->png);
    return reader->info != NULL;
}

static inline void emend_png_read_start(emend_png_reader *reader, emend_png_header *header) {
    png_set_user_limits(reader->png, emend_png_side_limit, emend_png_side_limit);
    png_set_read_fn(reader->png, reader, emend_png_on_read);
    png_set_crc_action(reader->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(reader->png, reader->info);
    header->width = png_get_image_width(reader->png, reader->info);
    header->height = png_get_image_height(reader->png, reader->info);
    header->bit_depth = png_get_bit_depth(reader->png, reader->info);
    header->color_type = png_get_color_type(reader->png, reader->info);
    header->has_transparency = png_get_valid(reader->png, reader->info, PNG_INFO_tRNS) != 0;
}

/// Reads the header. Returns 1, or 0 with a message.
static inline int emend_png_read_header(
    const uint8_t *data, size_t count, emend_png_header *header, char *message,
    size_t message_size) {
    emend_png_reader reader = {data, count, 0, NULL, NULL, message, message_size};
    message[0] = 0;
    int ok = 0;
    if (emend_png_open(&reader) && setjmp(png_jmpbuf(reader.png)) == 0) {
        emend_png_read_start(&reader, header);
        ok = 1;
    } else {
        ok = 0;
    }
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    return ok;
}

/// Reads the indices of a palette or grey image: one byte per pixel, or one native 16-bit value
/// where the bit depth is 16. `rows` points to as many rows as the header says.
/// Returns 1, or 0 with a message.
static inline int emend_png_read_indices(
    const uint8_t *data, size_t count, uint8_t **rows, char *message, size_t message_size) {
    emend_png_reader reader = {data, count, 0, NULL, NULL, message, message_size};
    message[0] = 0;
    int ok = 0;
    if (emend_png_open(&reader) && setjmp(png_jmpbuf(reader.png)) == 0) {
        emend_png_header header;
        emend_png_read_start(&reader, &header);
        png_set_packing(reader.png);
        const int one = 1;
        const int little = *(const char *)&one;
        if (header.bit_depth == 16 && little) png_set_swap(reader.png);
        png_set_interlace_handling(reader.png);
        png_read_update_info(reader.png, reader.info);
        png_read_image(reader.png, rows);
        png_read_end(reader.png, NULL);
        ok = 1;
    } else {
        ok = 0;
    }
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    return ok;
}

/// Reads any image as 8-bit red, green and blue; transparency is dropped.
/// `rows` points to as many rows as the header says, 3·width bytes each.
/// Returns 1, or 0 with a message.
static inline int emend_png_read_colours(
    const uint8_t *data, size_t count, uint8_t **rows, char *message, size_t message_size) {
    emend_png_reader reader = {data, count, 0, NULL, NULL, message, message_size};
    message[0] = 0;
    int ok = 0;
    if (emend_png_open(&reader) && setjmp(png_jmpbuf(reader.png)) == 0) {
        emend_png_header header;
        emend_png_read_start(&reader, &header);
        png_set_expand(reader.png);
        png_set_scale_16(reader.png);
        png_set_strip_alpha(reader.png);
        if (!(header.color_type & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(reader.png);
        png_set_interlace_handling(reader.png);
        png_read_update_info(reader.png, reader.info);
        if (png_get_rowbytes(reader.png, reader.info) != (size_t)header.width * 3)
            png_error(reader.png, "the colours do not become red, green and blue");
        png_read_image(reader.png, rows);
        png_read_end(reader.png, NULL);
        ok = 1;
    } else {
        ok = 0;
    }
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    return ok;
}

/// Where a writer puts its bytes; it fails when they are more than `capacity`.
typedef struct emend_png_writer {
    uint8_t *data;
    size_t capacity, count;
    png_structp png;
    png_infop info;
} emend_png_writer;

static inline void emend_png_on_write_error(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static inline void emend_png_on_write(png_structp png, png_bytep bytes, size_t count) {
    emend_png_writer *writer = (emend_png_writer *)png_get_io_ptr(png);
    if (count > writer->capacity - writer->count) png_error(png, "no room");
    memcpy(writer->data + writer->count, bytes, count);
    writer->count += count;
}

static inline void emend_png_on_flush(png_structp png) { (void)png; }

/// Writes 8-bit pixels: palette indices where `palette` holds 768 bytes, RGB where it is NULL.
/// Returns the number of bytes written, or 0 where `capacity` does not suffice.
static inline size_t emend_png_write(
    const uint8_t *pixels, uint32_t width, uint32_t height, const uint8_t *palette, uint8_t *data,
    size_t capacity) {
    emend_png_writer writer = {data, capacity, 0, NULL, NULL};
    writer.png = png_create_write_struct(
        PNG_LIBPNG_VER_STRING, NULL, emend_png_on_write_error, emend_png_on_warning);
    if (!writer.png) return 0;
    writer.info = png_create_info_struct(writer.png);
    if (writer.info && setjmp(png_jmpbuf(writer.png)) == 0) {
        png_set_write_fn(writer.png, &writer, emend_png_on_write, emend_png_on_flush);
        png_set_IHDR(
            writer.png, writer.info, width, height, 8,
            palette ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
            PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        if (palette) {
            png_color colors[256];
            for (int i = 0; i < 256; i++) {
                colors[i].red = palette[3 * i];
                colors[i].green = palette[3 * i + 1];
                colors[i].blue = palette[3 * i + 2];
            }
            png_set_PLTE(writer.png, writer.info, colors, 256);
        }
        png_write_info(writer.png, writer.info);
        const size_t stride = (size_t)width * (palette ? 1 : 3);
        for (uint32_t y = 0; y < height; y++) png_write_row(writer.png, pixels + y * stride);
        png_write_end(writer.png, NULL);
    } else {
        writer.count = 0;
    }
    png_destroy_write_struct(&writer.png, &writer.info);
    return writer.count;
}

#endif
