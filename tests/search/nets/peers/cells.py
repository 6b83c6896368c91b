"""Two pairs of cells that between them hold every operation of NAS-UNet."""

from search.nets.spec import genes_of

# (source, operation) twice for each of three nodes: the down cell, then the up cell.
ALL_OPERATIONS = (
    genes_of("001102131421" + "011002111223"),
    genes_of("041503242335" + "021312252433"),
)
