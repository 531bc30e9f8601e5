/* Two MPI ranks send a message to and fro and check what arrives. Built inside, by the image's mpicc. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    int rank, size, errors = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (argc < 3 || size != 2)
        MPI_Abort(MPI_COMM_WORLD, 2);
    int bytes = atoi(argv[1]), rounds = atoi(argv[2]);
    unsigned char *sent = malloc((size_t)bytes), *received = calloc((size_t)bytes, 1);
    for (int i = 0; i < bytes; i++)
        sent[i] = (unsigned char)(i * 31 + 7);
    MPI_Barrier(MPI_COMM_WORLD);
    double start = MPI_Wtime();
    for (int round = 0; round < rounds; round++) {
        if (rank == 0) {
            MPI_Send(sent, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
            MPI_Recv(received, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            MPI_Recv(received, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            MPI_Send(received, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
        }
    }
    double elapsed_s = MPI_Wtime() - start;
    errors = memcmp(sent, received, (size_t)bytes) != 0;
    if (rank == 0)
        printf("{\"what\": \"pingpong\", \"elapsed_ns\": %.0f, \"bytes\": %.0f, \"errors\": %d}\n",
               elapsed_s * 1e9, 2.0 * bytes * rounds, errors);
    return MPI_Finalize();
}
