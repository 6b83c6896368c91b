"""Synthetic defects: a good frame in, a frame with a defect and its mask out."""

from search.defects.compose import SyntheticSample, rotate_good, sample_rng, synthesise
from search.defects.perlin import PerlinDefects
from search.defects.style import Defective, DefectStyle
from search.defects.textures import FolderTextures, ProceduralTextures, TextureSource

__all__ = [
    "DefectStyle",
    "Defective",
    "FolderTextures",
    "PerlinDefects",
    "ProceduralTextures",
    "SyntheticSample",
    "TextureSource",
    "rotate_good",
    "sample_rng",
    "synthesise",
]
